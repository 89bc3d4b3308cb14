package policy

// match reports whether one of the patterns matches all of s.
func (a *automaton) match(s string) bool {
	if a.words == 1 {
		return a.matchWord(s)
	}
	return a.matchWords(s)
}

// matchWord reports what match reports, for patterns whose places fit into one word.
func (a *automaton) matchWord(s string) bool {
	r := (*[rows]uint64)(a.rows)
	at := a.start[0]
	for i := range len(s) {
		b := s[i]
		move := r[upper+b>>4] & r[lower4+b&15]
		if b == ':' {
			move &^= r[colons]
		}
		at = at<<1&move | at&r[stays+sortOf(b)]
		if at == 0 {
			return false
		}
	}
	return at&a.final[0] != 0
}

// matchWords reports what match reports, for any number of places.
func (a *automaton) matchWords(s string) bool {
	var room [64]uint64 // usually enough; a key policy can need 512
	at := append(room[:0], a.start...)
	for i := range len(s) {
		if !a.read(s[i], at) {
			return false
		}
	}
	for i, final := range a.final {
		if at[i]&final != 0 {
			return true
		}
	}
	return false
}

// read moves the places by one byte and reports whether any are left.
func (a *automaton) read(b byte, at []uint64) bool {
	up, low := a.row(upper + int(b>>4))[:len(at)], a.row(lower4 + int(b&15))[:len(at)]
	stay := a.row(stays + sortOf(b))[:len(at)]
	var carry, left uint64
	if b == ':' {
		not := a.row(colons)[:len(at)]
		for i, was := range at {
			is := (was<<1|carry)&up[i]&low[i]&^not[i] | was&stay[i]
			carry = was >> 63
			at[i] = is
			left |= is
		}
		return left != 0
	}
	for i, was := range at {
		is := (was<<1|carry)&up[i]&low[i] | was&stay[i]
		carry = was >> 63
		at[i] = is
		left |= is
	}
	return left != 0
}
