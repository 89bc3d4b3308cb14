package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// writes compares durable writes with an fsync on the same disk: single writes, and 64 concurrent ones. A key
// with material needs one more sync, for its slot.
func (s settings) writes() error {
	fmt.Println("Durable writes")
	for name, in := range map[string]map[string]any{"CreateKey without material": {"Origin": "EXTERNAL"},
		"CreateKey with material": {}} {
		if err := s.write(name, in); err != nil {
			return err
		}
	}
	return nil
}

func (s settings) write(name string, in map[string]any) error {
	k, err := s.startKeyhold(anywhere)
	if err != nil {
		return err
	}
	defer k.stop()
	l := &load{operation: "CreateKey", bodies: []map[string]any{in}}
	var alone, many []measure
	var syncs []time.Duration
	for range s.runs {
		fsync, err := fsyncTime(k.data)
		if err != nil {
			return err
		}
		one, err := l.drive(k, 1, s.length)
		if err != nil {
			return err
		}
		all, err := l.drive(k, 64, s.length)
		if err != nil {
			return err
		}
		syncs, alone, many = append(syncs, fsync), append(alone, one), append(many, all)
	}
	slices.Sort(syncs)
	fsync, one, all := syncs[len(syncs)/2]+s.delay, median(alone), median(many)
	fmt.Printf("  %s; one fsync of 4 KiB appended to a file in the same folder takes %d us\n", name, fsync.Microseconds())
	fmt.Printf("    alone          %v   %.1f fsyncs\n    64 at a time   %v   %.1f times as many\n", one,
		ratio(one.p50, fsync), all, all.rate/one.rate)
	return nil
}

// fsyncTime returns the median time to append 4 KiB to a file and sync it.
func fsyncTime(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var times []time.Duration
	for range 200 {
		begun := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
