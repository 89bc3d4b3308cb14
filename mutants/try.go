package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"
)

// A result is what the tests said about a change.
type result struct {
	change  *mutation
	noticed bool
	ran     int // number of tests
	took    time.Duration
}

func (r result) String() string {
	verdict := "ALIVE"
	if r.noticed {
		verdict = "noticed"
	}
	tests := fmt.Sprintf("%d tests, %s", r.ran, seconds(r.took))
	if r.ran == 0 {
		tests = "no test reaches the place"
	}
	return fmt.Sprintf("%-8s %s (%s)", verdict, r.change, tests)
}

// tryPlace runs the tests that reach a place, with its change.
func (l *lab) tryPlace(ctx context.Context, p place) (result, error) {
	var reaching []*test
	for _, t := range l.tests {
		if t.reaches(p.number) {
			reaching = append(reaching, t)
		}
	}
	compiled := func(string) (build, error) { return l.whole, nil }
	return l.try(ctx, p.mutation, reaching, strconv.Itoa(p.number), compiled)
}

// tryAlone compiles a change that is not a place, and runs all tests.
func (l *lab) tryAlone(ctx context.Context, m *mutation) (result, error) {
	dir, err := os.MkdirTemp(l.dir, "alone")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	o, err := writeOverlay(dir, map[*source]string{m.file: m.changed()})
	if err != nil {
		return result{}, err
	}
	b, done := build{o, dir}, map[string]bool{}
	compiled := func(folder string) (build, error) {
		if done[folder] {
			return b, nil
		}
		done[folder] = true
		return b, b.compile(ctx, folder)
	}
	r, err := l.try(ctx, m, l.tests, "", compiled)
	if err == nil {
		err = o.forget(ctx, slices.Collect(maps.Keys(done)))
	}
	return r, err
}

// try runs tests with a change until one fails. The tests of the changed room run first.
func (l *lab) try(
	ctx context.Context, m *mutation, tests []*test, value string, compiled func(folder string) (build, error),
) (result, error) {
	r, begin := result{change: m}, time.Now()
	for _, group := range groups(inOrder(tests, m.file.room.folder, l.kills.of(m.file))) {
		b, err := compiled(group[0].folder)
		if err != nil {
			return r, err
		}
		fails, err := l.fails(ctx, b, group, value, min(l.timeout, limit(group)))
		if err != nil {
			return r, err
		}
		r.ran += len(group)
		if fails {
			r.noticed = true
			l.kills.add(m.file, group)
			break
		}
	}
	r.took = time.Since(begin)
	return r, nil
}
