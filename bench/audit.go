package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// audit measures the audit log: its cost by difference, the price of --audit-sync always, and what events need on the
// disk.
func (s settings) audit() error {
	if err := leaveFirstProcessor(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "keyhold-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	without := s
	without.program = filepath.Join(dir, "keyhold")
	build := exec.Command("go", "build", "-trimpath", "-tags", "nolog", "-o", without.program, "./cmd/keyhold")
	build.Env = append(os.Environ(), "GOEXPERIMENT=runtimesecret")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build a program without a log: %w\n%s", err, out)
	}
	fmt.Println("Decrypt of a program that discards its events, and of the program with its log, in pairs")
	err = without.against(s, "no log", "log", nil, func(a, b measure) float64 { return 1 - ratio(a.cpu, b.cpu) },
		"of the CPU of a Decrypt is the cost of the log; the bar is at most 0.12")
	if err != nil {
		return err
	}
	fmt.Println("Decrypt, and Decrypt that waits for the disk (--audit-sync always), in pairs")
	err = s.against(s, "soon", "always", []string{"--audit-sync", "always"}, func(a, b measure) float64 {
		return b.rate / a.rate
	}, "of the rate")
	return errors.Join(err, s.events())
}

// against compares Decrypt on s with Decrypt on another program, or on the same one with other flags.
func (s settings) against(
	o settings, first, second string, flags []string, compare func(a, b measure) float64, unit string,
) error {
	one, err := s.startKeyhold(onFirstProcessor)
	if err != nil {
		return err
	}
	defer one.stop()
	other, err := o.startKeyhold(onFirstProcessor, flags...)
	if err != nil {
		return err
	}
	defer other.stop()
	return s.comparePairs("Decrypt", 10, first, one, second, other, compare, unit)
}

// events measures what events need on the disk: in a closed segment, and compressed.
func (s settings) events() error {
	k, err := s.startKeyhold(onFirstProcessor)
	if err != nil {
		return err
	}
	defer k.stop()
	l, err := prepare(k, "Decrypt", 1000)
	if err != nil {
		return err
	}
	const patience = 5 * time.Minute // a segment has 64 MiB
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err := l.drive(k, s.conns, s.length); err != nil {
			return err
		}
		found, err := filepath.Glob(filepath.Join(k.data, "audit", "*.jsonl.zst"))
		if err != nil {
			return err
		}
		for _, path := range found {
			done, err := describeSegment(path)
			if done || err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("no segment was closed and compressed within %v", patience)
}

// describeSegment prints the sizes of a compressed segment that begins the log, whose name has the index and the offset
// of its end.
func describeSegment(path string) (done bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	var places [3]int64 // index of the first line, index after the last one, offset after the last one
	for i, text := range strings.SplitN(filepath.Base(path), "-", len(places)+1)[:len(places)] {
		if places[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return false, err
		}
	}
	if places[0] != 0 {
		return false, nil
	}
	end, bytes, size := places[1], places[2], info.Size()
	fmt.Printf("Events on the disk: %d in a segment, %d bytes each; compressed %.1f bytes each, %.1f times less\n"+
		"  985 bytes of an event of before are %.1f times as much; the bar is 8\n", end, bytes/end,
		float64(size)/float64(end), float64(bytes)/float64(size), 985*float64(end)/float64(size))
	return true, nil
}
