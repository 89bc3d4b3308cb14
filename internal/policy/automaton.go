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
//
// The places that a byte reaches are those that its upper and its lower four bits
// both reach: so an automaton has a few bytes for each place, however many bytes
// differ in the patterns.
type automaton struct {
	words        int      // of a row
	rows         []uint64 // one after the other
	start, final []uint64
}

// The rows of an automaton.
const (
	upper  = 0  // the places reached by the upper four bits of a byte, one row for each
	lower4 = 16 // and by the lower four
	colons = 32 // the places not reached by a colon, whatever the rows before say
	stays  = 33 // the places that are kept by a byte, one row for each sort
	rows   = 33 + sorts

	rowsOfAll = rows + 2 // with start and final
)

// A byte is of a sort.
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
	places := 0
	for _, p := range patterns {
		places += 1 + p.length()
	}
	a := &automaton{words: (places + 63) / 64}
	room := make([]uint64, rowsOfAll*a.words)
	a.rows, room = room[:rows*a.words], room[rows*a.words:]
	a.start, a.final = room[:a.words], room[a.words:]
	any, place := make([]uint64, a.words), 0
	for _, p := range patterns {
		place = a.add(p, d, place, any)
	}
	a.takeAny(any)
	return a
}

// row returns a row of the automaton.
func (a *automaton) row(i int) []uint64 { return a.rows[i*a.words : (i+1)*a.words] }

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

// add lays out a pattern from a place on and returns the place after it. It notes in any
// the places that any one character reaches.
func (a *automaton) add(p pattern, d dialect, place int, any []uint64) int {
	mark(a.start, place)
	colons := 0
	for i, t := range p {
		beyond := d == anyText || colons >= 5
		switch t.kind {
		case literal:
			for i := range len(t.text) {
				place++
				b := t.text[i]
				mark(a.row(upper+int(b>>4)), place)
				mark(a.row(lower4+int(b&15)), place)
				if b == ':' {
					colons++
				}
			}
		case anyChar:
			place++
			mark(any, place)
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

// takeAny has places reached by the first byte of any character.
func (a *automaton) takeAny(places []uint64) {
	for half := range 16 {
		join(a.row(lower4+half), places)
		if sortOf(byte(half<<4)) != continuation {
			join(a.row(upper+half), places)
		}
	}
}

func join(row, places []uint64) {
	for i, p := range places {
		row[i] |= p
	}
}

// takeOne has the place kept by the bytes that go on with a character, and perhaps not
// reached by a colon.
func (a *automaton) takeOne(place int, beyond bool) {
	if !beyond {
		mark(a.row(colons), place)
	}
	mark(a.row(stays+continuation), place)
}

// takeMany has the place kept by any byte.
func (a *automaton) takeMany(place int, beyond bool) {
	mark(a.row(stays+other), place)
	mark(a.row(stays+continuation), place)
	if beyond {
		mark(a.row(stays+colon), place)
	}
}

func mark(places []uint64, place int) { places[place/64] |= 1 << (place % 64) }
