// Command mutants tests whether the tests can fail. It makes one small change to the code at a time, runs the
// tests, and prints the changes that no test noticed. The go command gets a changed file as an overlay, so the
// tree is not modified.
//
// Changes that do not build are not counted. A person has to decide whether a surviving change is equivalent to
// the original code.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// settings are the flags.
type settings struct {
	rooms   []string // folders whose code is changed
	count   int
	each    int // maximum number of changes in one folder
	seed    uint64
	timeout time.Duration // time limit for the tests of one package
	others  [][]string    // packages whose tests run after the tests of the changed room, until one fails
}

const defaultRooms = "internal/key,internal/policy,internal/identity,internal/sigv4,internal/records," +
	"internal/material,internal/journal,internal/integrity,internal/service,internal/crypt,internal/seal," +
	"internal/store,internal/store/boltpages,internal/store/local,internal/audit,internal/privatekey,internal/keyfile,byok"

// defaultOthers returns the packages whose tests run for every change, the fast ones first.
func defaultOthers() [][]string {
	return [][]string{
		{"./internal/service"},
		{"./internal/server", "./kmstest", "./byok/...", "./cmd/keyhold"},
	}
}

func main() {
	s := settings{others: defaultOthers()}
	rooms := flag.String("rooms", defaultRooms, "folders whose code is changed, with commas between them")
	flag.IntVar(&s.count, "n", 200, "number of changes to try")
	flag.IntVar(&s.each, "each", 0, "maximum number of changes in one folder; 0 spreads them evenly")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "seed of the random choice of changes")
	flag.DurationVar(&s.timeout, "timeout", 10*time.Minute, "time limit for the tests of a package; a change that "+
		"exceeds it counts as noticed")
	own := flag.Bool("own", false, "run only the tests of the changed folder, which is quicker and notices less")
	flag.Parse()
	if *own {
		s.others = nil
	}
	s.rooms = strings.Split(*rooms, ",")
	if s.each == 0 {
		s.each = (s.count + len(s.rooms) - 1) / len(s.rooms)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run tries changes until enough of them could be built, and prints a line for each.
func (s settings) run(ctx context.Context) error {
	all, err := s.mutations()
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(s.seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	fmt.Printf("seed %d, %d places\n", s.seed, len(all))
	tried, survived, inRoom := 0, 0, map[string]int{}
	for _, m := range all {
		room := filepath.Dir(m.file)
		if tried == s.count {
			break
		}
		if inRoom[room] == s.each {
			continue
		}
		verdict, err := s.try(ctx, m)
		if err != nil {
			return err
		}
		if verdict == notBuilt {
			continue
		}
		tried++
		inRoom[room]++
		if verdict == alive {
			survived++
		}
		fmt.Printf("%-8s %s\n", verdict, m)
	}
	fmt.Printf("%d changes, %d noticed, %d survived\n", tried, tried-survived, survived)
	return nil
}

func (s settings) mutations() (all []mutation, err error) {
	for _, room := range s.rooms {
		files, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			found, err := mutationsIn(file, text)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the folders contain no code")
	}
	return all, nil
}

// A verdict is the result of a change.
type verdict string

const (
	notBuilt verdict = "unbuilt"
	noticed  verdict = "noticed"
	alive    verdict = "ALIVE"
)

// try builds a change and runs tests until one fails.
func (s settings) try(ctx context.Context, m mutation) (verdict, error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(dir)
	if err != nil {
		return "", err
	}
	room := "./" + filepath.Dir(m.file)
	if run(ctx, "go", "build", "-overlay", overlay, room) != nil {
		return notBuilt, ctx.Err()
	}
	for _, packages := range append([][]string{{room}}, s.others...) {
		words := append([]string{"test", "-overlay", overlay, "-failfast", "-timeout", s.timeout.String()}, packages...)
		if run(ctx, "go", words...) != nil {
			return noticed, ctx.Err()
		}
	}
	return alive, ctx.Err()
}

// run runs a command and discards its output.
func run(ctx context.Context, name string, words ...string) error {
	return exec.CommandContext(ctx, name, words...).Run()
}
