package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// run tries changes, and prints a line for each.
func (s settings) run(ctx context.Context) error {
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
	return l.work(ctx, t, s.folders(changes))
}

// work tries the changes of a tree.
func (l *lab) work(ctx context.Context, t *tree, folders []string) (err error) {
	begin := time.Now()
	tests, err := l.compile(ctx, folders)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.whole.forget(context.WithoutCancel(ctx), folders)) }()
	fmt.Fprintf(l.out, "compiled %d changes into the tests of %d folders in %s; %d changes must be compiled alone\n",
		len(t.places), len(folders), seconds(time.Since(begin)), len(t.alone))
	begin = time.Now()
	if err := l.measureAll(ctx, tests); err != nil {
		return err
	}
	fmt.Fprintf(l.out, "ran %d tests without a change in %s\n", len(tests), seconds(time.Since(begin)))
	return l.tryAll(ctx, t)
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
