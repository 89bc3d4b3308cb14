package policy

// match reports whether one of the patterns is all of s.
func (a *automaton) match(s string) bool {
	if a.words != nil {
		return a.matchWord(s)
	}
	return a.matchWords(s)
}

// matchWord is match for patterns whose places fit into a word.
func (a *automaton) matchWord(s string) bool {
	at := a.start[0]
	for i := range len(s) {
		r := &a.words[a.row[s[i]]]
		at = at<<1&r.move | at&r.stay
		if at == 0 {
			return false
		}
	}
	return at&a.final[0] != 0
}

// matchWords is match for any patterns.
func (a *automaton) matchWords(s string) bool {
	var room [512]uint64 // enough for a key policy
	at := append(room[:0], a.start...)
	for i := range len(s) {
		if !a.rows[a.row[s[i]]].read(at) {
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

// read moves the places and reports whether any is left.
func (r *row) read(at []uint64) bool {
	move, stay := r.move[:len(at)], r.stay[:len(at)]
	var carry, left uint64
	for i, was := range at {
		is := (was<<1|carry)&move[i] | was&stay[i]
		carry = was >> 63
		at[i] = is
		left |= is
	}
	return left != 0
}
