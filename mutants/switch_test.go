package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const kinds = `package p

import clock "time"

type size uint8

func f(a, b int, c, d bool, s size, err error) (clock.Duration, error) {
	_ = a < b && (c || d)
	if a == b {
		a++
	}
	if c && !d {
		s = 1<<2 + s
	}
	for true {
		defer f(a-b, b/a, c, d, s&^s, err)
	}
	clock.Sleep(2 * clock.Second)
	return clock.Duration(a), err
}
`

// Each kind of change is compiled into the code so that package mut chooses between it and the original.
func TestEdits(t *testing.T) {
	r, f := roomOf(t, kinds)
	info, err := r.known()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	was := strings.Split(kinds, "\n")
	for _, m := range mutationsIn(f) {
		fmt.Fprintf(&got, "%s\n", strings.TrimPrefix(m.String(), "p/p.go:"))
		for i, line := range strings.Split(apply(f.text, place{m, 7}.edits(info)), "\n") {
			if i >= len(was) || line != was[i] {
				fmt.Fprintf(&got, "\t%s\n", oneLine(line))
			}
		}
	}
	const want = `8: _ = a < b && (c || d) => 
	if !mut.On(7) { _ = a < b && (c || d) }
18: clock.Sleep(2 * clock.Second) => 
	if !mut.On(7) { clock.Sleep(2 * clock.Second) }
8: _ = a < b && (c || d) => _ = a < b || (c || d)
	_ = mut.Not(7, mut.Not(7, a < b) && mut.Not(7, (c || d)))
8: _ = a < b && (c || d) => _ = a <= b && (c || d)
	_ = mut.Lss(7, a , b) && (c || d)
8: _ = a < b && (c || d) => _ = a < b && (c && d)
	_ = a < b && (mut.Not(7, mut.Not(7, c) || mut.Not(7, d)))
9: if a == b { => if !(a == b) {
	if mut.Not(7, a == b) {
9: if a == b { => if a != b {
	if mut.Not(7, a == b) {
10: a++ => 
	if !mut.On(7) { a++ }
12: if c && !d { => if !(c && !d) {
	if mut.Not(7, c && !d) {
12: if c && !d { => if c || !d {
	if mut.Not(7, mut.Not(7, c) && mut.Not(7, !d)) {
12: if c && !d { => if c && d {
	if c && mut.Not(7, !d) {
13: s = 1<<2 + s => 
	if !mut.On(7) { s = 1<<2 + s }
13: s = 1<<2 + s => s = 1<<2 - s
	s = mut.Add(7, 1<<2 , s)
13: s = 1<<2 + s => s = 1>>2 + s
	s = mut.If(7, (size)(1>>2), (size)(1<<2)) + s
13: s = 1<<2 + s => s = 2<<2 + s
	s = mut.If(7, (size)(2<<2), (size)(1<<2)) + s
13: s = 1<<2 + s => s = 1<<3 + s
	s = mut.If(7, (size)(1<<3), (size)(1<<2)) + s
15: for true { => for false {
	for mut.If(7, (bool)(false), (bool)(true)) {
16: defer f(a-b, b/a, c, d, s&^s, err) => 
	if !mut.On(7) { defer f(a-b, b/a, c, d, s&^s, err) }
16: defer f(a-b, b/a, c, d, s&^s, err) => defer f(a+b, b/a, c, d, s&^s, err)
	defer f(mut.Sub(7, a,b), b/a, c, d, s&^s, err)
16: defer f(a-b, b/a, c, d, s&^s, err) => defer f(a-b, b*a, c, d, s&^s, err)
	defer f(a-b, mut.Quo(7, b,a), c, d, s&^s, err)
18: clock.Sleep(2 * clock.Second) => clock.Sleep(2 / clock.Second)
	clock.Sleep(mut.If(7, (clock.Duration)(2 / clock.Second), (clock.Duration)(2 * clock.Second)))
18: clock.Sleep(2 * clock.Second) => clock.Sleep(3 * clock.Second)
	clock.Sleep(mut.If(7, (clock.Duration)(3 * clock.Second), (clock.Duration)(2 * clock.Second)))
19: return clock.Duration(a), err => return clock.Duration(a), nil
	return clock.Duration(a), mut.Zero(7, err)
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}

// Changes that the types allow are compiled into the code together, and the others are kept apart.
func TestSwitched(t *testing.T) {
	_, f := roomOf(t, `package p

import "time"

const limit = 3

type yes bool

func f(a, b []int, last *time.Time) (is yes, all [4]int) {
	is = len(a) == len(b)
	if len(a)+limit*2 > 7 && last == nil {
		all[0] += 1 << len(b)
	}
	if !is {
		return
	}
	return is, all
}

func g(s string) string { return s + s }
`)
	const want = `p/p.go:10: is = len(a) == len(b) => is = len(a) != len(b)
p/p.go:14: if !is { => if !(!is) {
p/p.go:14: if !is { => if is {
p/p.go:5: const limit = 3 => const limit = 4
p/p.go:9: func f(a, b []int, last *time.Time) (is yes, all [4]int) { => func f(a, b []int, last *time.Time) (is yes, all [5]int) {`
	for seed := range uint64(10) { // in several orders
		changes, places, err := settings{count: 100, each: 100, seed: seed}.sample(t.Context(), []*room{f.room})
		if err != nil {
			t.Fatal(err)
		}
		if all := mutationsIn(f); places != len(all) || len(changes) != len(all)-1 {
			t.Errorf("%d of %d changes build, not all but s - s", len(changes), len(all))
		}
		tree, err := switched(t.Context(), changes)
		if err != nil {
			t.Fatal(err)
		}
		var alone []string
		for _, m := range tree.alone {
			alone = append(alone, m.String())
		}
		slices.Sort(alone)
		if got := strings.Join(alone, "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		for i, p := range tree.places {
			if p.number != i+1 || !strings.Contains(tree.texts[f], fmt.Sprintf("(%d", p.number)) {
				t.Errorf("place %d has number %d, or is not in the code:\n%s", i+1, p.number, tree.texts[f])
			}
		}
		if len(tree.places)+len(tree.alone) != len(changes) {
			t.Errorf("%d and %d of %d changes", len(tree.places), len(tree.alone), len(changes))
		}
	}
}
