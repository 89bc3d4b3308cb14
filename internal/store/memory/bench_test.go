package memory_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

func benchKey(i int) []byte { return fmt.Appendf(nil, "keys/111122223333/%08d", i) }

// The cost of a request must not grow with the number of keys.
func BenchmarkDB(b *testing.B) {
	for _, keys := range []int{10, 1_000_000} {
		db := memory.New()
		commit := func(b *testing.B, i int) {
			batch := store.Batch{Writes: []store.Write{{Key: benchKey(i), Value: make([]byte, 100)}}}
			if _, err := db.Commit(b.Context(), batch); err != nil {
				b.Error(err)
			}
		}
		for i := range keys {
			commit(b, i)
		}
		b.Run(fmt.Sprintf("Commit/keys=%d", keys), func(b *testing.B) {
			for b.Loop() {
				commit(b, rand.N(keys))
			}
		})
		b.Run(fmt.Sprintf("Get/keys=%d", keys), func(b *testing.B) {
			for b.Loop() {
				err := db.View(b.Context(), func(r store.Reader) error {
					_, err := r.Get(benchKey(rand.N(keys)))
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
}
