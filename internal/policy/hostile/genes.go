package hostile

import "math/rand/v2"

// Genes are what a question is made of.
type Genes [64]uint16

// Random returns genes at random.
func Random(r *rand.Rand) (g Genes) {
	for i := range g {
		g[i] = uint16(r.Uint32())
	}
	return g
}

// Mutated returns genes that differ in a few places.
func (g Genes) Mutated(r *rand.Rand) Genes {
	for range 1 + r.IntN(3) {
		g[r.IntN(len(g))] = uint16(r.Uint32())
	}
	return g
}

// A strand reads genes one after the other.
type strand struct {
	genes []uint16
	next  int
}

// pick returns a number below n.
func (s *strand) pick(n int) int {
	s.next++
	return int(s.genes[(s.next-1)%len(s.genes)]) % n
}

// one returns one of some texts.
func (s *strand) one(of []string) string { return of[s.pick(len(of))] }

// chance is true in so many of a hundred cases.
func (s *strand) chance(percent int) bool { return s.pick(100) < percent }
