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
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
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

// run tries changes, and prints a line for each.
func (s settings) run(ctx context.Context) error {
	begin := time.Now()
	rooms, err := loadRooms(ctx, s.rooms)
	if err != nil {
		return err
	}
	changes, places, err := s.sample(ctx, rooms)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "seed %d, %d places\n", s.seed, places)
	t, err := switched(ctx, changes)
	if err != nil {
		return err
	}
	l, err := s.newLab(t)
	if err != nil {
		return err
	}
	defer os.RemoveAll(l.dir)
	folders := s.folders(changes)
	failed, err := l.prepare(ctx, folders)
	if err != nil {
		return err
	}
	for _, f := range failed {
		fmt.Fprintf(s.out, "left out, because it fails without a change: %s\n", f)
	}
	fmt.Fprintf(s.out, "%d changes compiled in %d test binaries, %d to compile alone, %d tests; prepared in %s\n",
		len(t.places), len(folders), len(t.alone), len(l.tests), seconds(time.Since(begin)))
	err = l.tryAll(ctx, t)
	return errors.Join(err, l.whole.forget(context.WithoutCancel(ctx), folders))
}

// folders returns the folders whose tests run.
func (s settings) folders(changes []*mutation) (all []string) {
	for _, m := range changes {
		all = append(all, m.file.room.folder)
	}
	all = append(all, s.others...)
	slices.Sort(all)
	return slices.Compact(all)
}

// tryAll tries the changes of a tree. The changes that must be compiled alone are the last.
func (l *lab) tryAll(ctx context.Context, t *tree) error {
	begin, p := time.Now(), &printer{out: l.out}
	err := parallel(l.workers, t.places, func(c place) error { return p.print(l.tryPlace(ctx, c)) })
	if err != nil {
		return err
	}
	err = parallel(l.workers, t.alone, func(m *mutation) error { return p.print(l.tryAlone(ctx, m)) })
	if err != nil {
		return err
	}
	fmt.Fprintf(l.out, "%d changes, %d noticed, %d survived; %s per change\n", p.tried, p.tried-p.survived, p.survived,
		seconds(time.Since(begin)/time.Duration(max(1, p.tried))))
	return nil
}

// A printer prints results, and counts them.
type printer struct {
	out             io.Writer
	mu              sync.Mutex
	tried, survived int
}

func (p *printer) print(r result, err error) error {
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried++
	if !r.noticed {
		p.survived++
	}
	fmt.Fprintln(p.out, r)
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
