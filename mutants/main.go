// Command mutants tests whether the tests can fail. It makes one small change to the code at a time, runs the
// tests that reach the changed place, and prints the changes that no test noticed.
//
// All changes are compiled into the test binaries at once: each place calls package mut, which makes the original
// operation unless the environment has the number of the place. A change that the compiler must see, such as the
// length of an array, is compiled alone, and all tests run. The go command gets the changed files as an overlay, so
// the tree is not modified.
//
// Changes that do not build are not counted. A person has to decide whether a surviving change is equivalent to
// the original code.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	rooms   []string // folders whose code is changed
	count   int
	each    int // maximum number of changes in one folder
	seed    uint64
	timeout time.Duration // time limit of the tests that one process runs
	workers int
	others  []string // folders whose tests run after the tests of the changed room
	out     io.Writer
}

const defaultRooms = "internal/key,internal/policy,internal/identity,internal/sigv4,internal/records," +
	"internal/material,internal/journal,internal/integrity,internal/service,internal/crypt,internal/seal," +
	"internal/store,internal/store/boltpages,internal/store/local,internal/audit,internal/privatekey,internal/keyfile,byok"

// defaultOthers are the folders whose tests run for every change that they reach.
const defaultOthers = "internal/service,internal/server,kmstest,byok,byok/awsimport,cmd/keyhold"

func main() {
	s := settings{others: strings.Split(defaultOthers, ","), out: os.Stdout}
	rooms := flag.String("rooms", defaultRooms, "folders whose code is changed, with commas between them")
	flag.IntVar(&s.count, "n", 200, "number of changes to try")
	flag.IntVar(&s.each, "each", 0, "maximum number of changes in one folder; 0 spreads them evenly")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "seed of the random choice of changes")
	flag.DurationVar(&s.timeout, "timeout", 10*time.Minute, "longest time limit of a test process. The limit is 10 s, "+
		"and ten times the duration without a change. A change that exceeds the limit counts as noticed")
	flag.IntVar(&s.workers, "workers", 2, "number of changes to try at the same time")
	own := flag.Bool("own", false, "run only the tests of the changed folder, which is quicker and notices less")
	flag.Parse()
	if *own {
		s.others = nil
	}
	s.rooms = strings.Split(*rooms, ",")
	if s.each == 0 {
		s.each = (s.count + len(s.rooms) - 1) / len(s.rooms)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}
