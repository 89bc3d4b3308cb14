package policy

// A dialect defines how wildcards in a pattern match.
type dialect uint8

const (
	anyText dialect = iota // * matches any text, ? any character

	// In the first five segments of an ARN, a wildcard does not match a colon, except for a * at the end of a
	// segment. Source: "IAM JSON policy elements: Resource": "If the * wildcard is the last character of a
	// resource ARN segment, it can expand to match beyond the colon boundaries."
	ofResource

	// Wildcards do not match a colon among the first five. Source: "IAM JSON policy elements: Condition
	// operators", about ArnLike: "Each of the six colon-delimited components of the ARN is checked separately".
	ofARN

	// No wildcards, and text compared without regard to case.
	anyCase
)

// An automaton matches many patterns with wildcards at once. Each bit is a place in a pattern, and reading a
// byte moves all of them: Shift-And of Baeza-Yates and Gonnet, "A New Approach to Text Searching", where a * is
// a place that the automaton can stay at. Whatever the patterns are, the time is proportional to the length of
// the text times the length of the patterns / 64.
//
// A byte reaches the places that its upper four bits and its lower four bits both reach. Therefore an automaton
// needs only a few bytes for each place, however many different bytes the patterns contain.
type automaton struct {
	words        int      // size of a row
	rows         []uint64 // concatenated
	start, final []uint64
}

// The rows of an automaton.
const (
	upper  = 0  // places reached by the upper four bits of a byte, one row for each value
	lower4 = 16 // places reached by the lower four bits
	colons = 32 // places that a colon does not reach, whatever the rows above say
	stays  = 33 // places that a byte stays at, one row for each sort of byte
	rows   = 33 + sorts

	rowsOfAll = rows + 2 // including start and final
)

// The sorts of bytes.
const (
	other        = iota
	colon        // ends a segment of an ARN
	continuation // continues a UTF-8 character
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

// newAutomaton returns an automaton for patterns without variables.
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

// length returns the number of bytes and ? in the pattern.
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

// add lays out a pattern from place on and returns the place after it. It marks in any the places that every
// character reaches.
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

// endsSegment reports whether token i is the last one of an ARN segment.
func (p pattern) endsSegment(i int) bool {
	return i == len(p)-1 || p[i+1].kind == literal && p[i+1].text[0] == ':'
}

// takeAny makes the first byte of any character reach the places.
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

// takeOne lets the continuation bytes of a character stay at the place. Unless beyond is set, a colon does not
// reach it.
func (a *automaton) takeOne(place int, beyond bool) {
	if !beyond {
		mark(a.row(colons), place)
	}
	mark(a.row(stays+continuation), place)
}

// takeMany lets every byte stay at the place, or every byte but a colon unless beyond is set.
func (a *automaton) takeMany(place int, beyond bool) {
	mark(a.row(stays+other), place)
	mark(a.row(stays+continuation), place)
	if beyond {
		mark(a.row(stays+colon), place)
	}
}

func mark(places []uint64, place int) { places[place/64] |= 1 << (place % 64) }
