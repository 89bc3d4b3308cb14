package hostile

import "math/rand/v2"

// Genes determine a question.
type Genes [64]uint16

// Random returns random genes.
func Random(r *rand.Rand) (g Genes) {
	for i := range g {
		g[i] = uint16(r.Uint32())
	}
	return g
}

// Mutate returns a copy of the genes that differs in a few places.
func (g Genes) Mutate(r *rand.Rand) Genes {
	for range 1 + r.IntN(3) {
		g[r.IntN(len(g))] = uint16(r.Uint32())
	}
	return g
}

// A strand reads genes in order.
type strand struct {
	genes []uint16
	next  int
}

// pick returns a number below n.
func (s *strand) pick(n int) int {
	s.next++
	return int(s.genes[(s.next-1)%len(s.genes)]) % n
}

// one returns one of the texts.
func (s *strand) one(of []string) string { return of[s.pick(len(of))] }

// chance returns true with a probability of percent in a hundred.
func (s *strand) chance(percent int) bool { return s.pick(100) < percent }
