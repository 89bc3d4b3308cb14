package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/keyhold/keyhold/mutants/mut"
)

// A lab runs tests, with a change or without.
type lab struct {
	settings
	whole  build // with all places
	dir    string
	places int
	tests  []*test // that pass without a change
	kills  kills
}

// newLab makes a folder for binaries, and writes the code of a tree.
func (s settings) newLab(t *tree) (*lab, error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	o, err := writeOverlay(dir, t.texts)
	if err != nil {
		os.RemoveAll(dir)
	}
	return &lab{settings: s, whole: build{o, dir}, dir: dir, places: len(t.places)}, err
}

// compile builds the test binaries of folders, and lists their tests.
func (l *lab) compile(ctx context.Context, folders []string) (tests []*test, err error) {
	for _, folder := range folders {
		if err := l.whole.compile(ctx, folder); err != nil {
			return nil, err
		}
		more, err := l.whole.tests(ctx, folder)
		if err != nil {
			return nil, err
		}
		tests = append(tests, more...)
	}
	return tests, nil
}

// measureAll runs each test without a change. The changes are tried with the tests that pass.
func (l *lab) measureAll(ctx context.Context, tests []*test) error {
	if err := parallel(l.workers, tests, func(t *test) error { return l.measure(ctx, t) }); err != nil {
		return err
	}
	for _, t := range tests {
		if t.failed {
			fmt.Fprintf(l.out, "left out, because it fails without a change: %s\n", t)
		} else {
			l.tests = append(l.tests, t)
		}
	}
	if len(l.tests) == 0 {
		return errors.New("no test passes without a change")
	}
	return nil
}

// measure runs a test without a change, and once more if the test fails.
func (l *lab) measure(ctx context.Context, t *test) error {
	f, err := os.CreateTemp(l.dir, "reached")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(f.Truncate(int64(l.places)+1), f.Close()); err != nil {
		return err
	}
	for range 2 {
		begin := time.Now()
		if t.failed, err = l.fails(ctx, l.whole, []*test{t}, f.Name(), l.timeout); err != nil {
			return err
		}
		t.took = time.Since(begin)
		if !t.failed {
			break
		}
	}
	t.hits, err = os.ReadFile(f.Name())
	return err
}

// fails runs tests of one folder, and reports whether one of them fails or exceeds the time limit. The value is for
// mut.Variable.
func (l *lab) fails(ctx context.Context, b build, tests []*test, value string, limit time.Duration) (bool, error) {
	temp, err := os.MkdirTemp(l.dir, "t")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temp)
	var names []string
	for _, t := range tests {
		names = append(names, t.name)
	}
	folder := tests[0].folder
	env := append(os.Environ(), b.environment(), "TMPDIR="+temp, mut.Variable+"="+value)
	err = runGroup(ctx, limit, folder, env, b.binary(folder),
		"-test.failfast", "-test.timeout=0", "-test.run", "^("+strings.Join(names, "|")+")$")
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return true, nil
	}
	return false, err
}
