package main

import (
	"cmp"
	"slices"
	"strings"
)

// An edit replaces the bytes from offset from to offset to.
type edit struct {
	from, to int
	text     string
	closes   bool // the edit inserts the end of a wrapping
	width    int  // of the code that is wrapped
	splits   bool // the wrapping is a call whose arguments are the operands of the code
}

// wrap returns the edits that insert text before and after the code from offset from to offset to.
func wrap(from, to int, before, after string) []edit {
	return []edit{
		{from: from, to: from, text: before, width: to - from},
		{from: to, to: to, text: after, width: to - from, closes: true},
	}
}

// apply makes edits. Wrappings of the same code nest: a later wrapping is inside an earlier one, and the one that
// splits the code is inside all others.
func apply(text []byte, edits []edit) string {
	var opening, closing []edit
	for _, e := range edits {
		if e.closes {
			closing = append(closing, e)
		} else {
			opening = append(opening, e)
		}
	}
	outside := func(a, b edit) int { return cmp.Or(b.width-a.width, splits(a)-splits(b)) }
	slices.SortStableFunc(opening, outside)
	slices.SortStableFunc(closing, outside)
	slices.Reverse(closing)
	sorted := append(closing, opening...)
	slices.SortStableFunc(sorted, func(a, b edit) int { return a.from - b.from })
	var out strings.Builder
	at := 0
	for _, e := range sorted {
		out.Write(text[at:e.from])
		out.WriteString(e.text)
		at = e.to
	}
	out.Write(text[at:])
	return out.String()
}

func splits(e edit) int {
	if e.splits {
		return 1
	}
	return 0
}
