package main

import (
	"context"
	"errors"
	"math/rand/v2"
)

// sample chooses changes at random that build, at most s.count, and at most s.each of one room. It also returns the
// number of places.
func (s settings) sample(ctx context.Context, rooms []*room) (chosen []*mutation, places int, err error) {
	var all []*mutation
	for _, r := range rooms {
		for _, f := range r.files {
			all = append(all, mutationsIn(f)...)
		}
	}
	if len(all) == 0 {
		return nil, 0, errors.New("the folders contain no code")
	}
	random := rand.New(rand.NewPCG(s.seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	inRoom := map[*room]int{}
	for _, m := range all {
		r := m.file.room
		if len(chosen) == s.count || ctx.Err() != nil {
			break
		}
		if inRoom[r] < s.each && m.builds() {
			inRoom[r]++
			chosen = append(chosen, m)
		}
	}
	return chosen, len(all), ctx.Err()
}

// builds reports whether the room builds with the change. The type checker finds the same errors as the compiler.
func (m *mutation) builds() bool {
	return m.file.built && m.file.room.check(m.file, m.changed()) == nil
}
