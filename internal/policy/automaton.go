package policy

// A dialect is what the wildcards of a pattern may stand for.
type dialect uint8

const (
	anyText dialect = iota // a * for any characters, a ? for one

	// In the first five segments of an ARN a wildcard stands for nothing beyond
	// its colon, but a * that ends a segment does. Source: "IAM JSON policy
	// elements: Resource": "If the * wildcard is the last character of a resource
	// ARN segment, it can expand to match beyond the colon boundaries."
	ofResource

	// Source: "IAM JSON policy elements: Condition operators", of ArnLike: "Each
	// of the six colon-delimited components of the ARN is checked separately".
	ofARN

	// No wildcards at all, and text that is folded.
	anyCase
)

// An automaton matches many patterns with wildcards at once. Each bit is a place
// in a pattern; reading a byte moves all of them: Shift-And of Baeza-Yates and
// Gonnet, "A New Approach to Text Searching", with a * as a place that one may
// stay at. The time is the length of the text times that of the patterns / 64,
// whatever they are.
type automaton struct {
	start, final []uint64
	row          [256]uint8 // of a byte
	rows         []row
	words        []wordRow // the same, if it fits into words
}

// A row is what reading a byte does.
type row struct {
	move []uint64 // the places that are reached by it
	stay []uint64 // the places that are kept; one for each sort of byte
	sort int
}

type wordRow struct{ move, stay uint64 }

// A byte is of a sort where it is not one of the text of a pattern.
const (
	other        = iota
	colon        // ends a segment of an ARN
	continuation // of a character that began before
	sorts
)

func sortOf(b byte) int {
	switch {
	case b == ':':
		return colon
	case b&0xC0 == 0x80: // RFC 3629, section 3
		return continuation
	}
	return other
}

// newAutomaton returns one for patterns without variables.
func newAutomaton(patterns []pattern, d dialect) *automaton {
	a := &automaton{}
	a.makeRows(patterns)
	place := 0
	for _, p := range patterns {
		place = a.add(p, d, place)
	}
	if len(a.start) == 1 {
		for _, r := range a.rows {
			a.words = append(a.words, wordRow{r.move[0], r.stay[0]})
		}
	}
	return a
}

// makeRows makes room for the patterns: a row for each byte of their text, and
// one for each sort of the other bytes.
func (a *automaton) makeRows(patterns []pattern) {
	places := 0
	for _, p := range patterns {
		places += 1 + p.length()
	}
	words := (places + 63) / 64
	a.start, a.final = make([]uint64, words), make([]uint64, words)
	for sort := range sorts {
		a.rows = append(a.rows, row{make([]uint64, words), make([]uint64, words), sort})
	}
	for b := range a.row {
		a.row[b] = uint8(sortOf(byte(b)))
	}
	for _, p := range patterns {
		for _, t := range p {
			for i := range len(t.text) {
				a.addRow(t.text[i], words)
			}
		}
	}
}

// addRow gives a byte a row of its own.
func (a *automaton) addRow(b byte, words int) {
	if a.row[b] < sorts {
		a.rows = append(a.rows, row{make([]uint64, words), a.rows[sortOf(b)].stay, sortOf(b)})
		a.row[b] = uint8(len(a.rows) - 1)
	}
}

// length returns how many bytes and ? the pattern has.
func (p pattern) length() (n int) {
	for _, t := range p {
		switch t.kind {
		case literal:
			n += len(t.text)
		case anyChar:
			n++
		}
	}
	return n
}

// add lays out a pattern from a place on and returns the place after it.
func (a *automaton) add(p pattern, d dialect, place int) int {
	mark(a.start, place)
	colons := 0
	for i, t := range p {
		beyond := d == anyText || colons >= 5
		switch t.kind {
		case literal:
			for i := range len(t.text) {
				place++
				mark(a.rows[a.row[t.text[i]]].move, place)
				if t.text[i] == ':' {
					colons++
				}
			}
		case anyChar:
			place++
			a.takeOne(place, beyond)
		case anyChars:
			a.takeMany(place, beyond || d == ofResource && p.endsSegment(i))
		}
	}
	mark(a.final, place)
	return place + 1
}

// endsSegment reports whether a token is the last one of a segment of an ARN.
func (p pattern) endsSegment(i int) bool {
	return i == len(p)-1 || p[i+1].kind == literal && p[i+1].text[0] == ':'
}

// takeOne has the place reached by any one character: its first byte, and then
// as many as go on with it.
func (a *automaton) takeOne(place int, colons bool) {
	for i := range a.rows {
		if sort := a.rows[i].sort; sort == other || sort == colon && colons {
			mark(a.rows[i].move, place)
		}
	}
	mark(a.rows[continuation].stay, place)
}

// takeMany has the place kept by any byte.
func (a *automaton) takeMany(place int, colons bool) {
	mark(a.rows[other].stay, place)
	mark(a.rows[continuation].stay, place)
	if colons {
		mark(a.rows[colon].stay, place)
	}
}

func mark(places []uint64, place int) { places[place/64] |= 1 << (place % 64) }
