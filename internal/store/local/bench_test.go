package local

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"
)

// sizes are the numbers of keys in the store. The cost of a request must not grow with them.
func sizes() []int { return []int{10, 1_000_000} }

func benchKey(i int) string {
	return fmt.Sprintf("keys/111122223333/eu-central-1/%08d-1234-1234-1234-1234567890ab", i)
}

// fill writes n records directly to bbolt, thousands per transaction.
func fill(b *testing.B, db *DB, n int) {
	b.Helper()
	value := binary.BigEndian.AppendUint64(nil, 1)
	value = append(value, make([]byte, 500)...)
	for from := 0; from < n; from += 20_000 {
		err := db.bolt.Update(func(tx *bbolt.Tx) error {
			r := records(tx)
			r.FillPercent = 1 // the keys are inserted in order
			for i := from; i < min(n, from+20_000); i++ {
				if err := r.Put([]byte(benchKey(i)), value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// perSize runs fn with a store of each size. fn runs its own sub-benchmarks, so that each store is filled only
// once.
func perSize(b *testing.B, fn func(b *testing.B, db *DB, keys int)) {
	for _, keys := range sizes() {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			db := open(b, b.TempDir())
			if _, err := db.Commit(b.Context(), put("first", "")); err != nil { // creates revision 1, which all records have
				b.Fatal(err)
			}
			fill(b, db, keys)
			fn(b, db, keys)
		})
	}
}

func BenchmarkGet(b *testing.B) {
	perSize(b, func(b *testing.B, db *DB, keys int) {
		b.Run("alone", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					benchGet(b, db, keys)
				}
			})
		})
		b.Run("during commits", func(b *testing.B) {
			var done atomic.Bool
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for !done.Load() {
					benchCommit(b, db, keys)
				}
			}()
			for b.Loop() {
				benchGet(b, db, keys)
			}
			done.Store(true)
			<-ended
		})
	})
}

func benchGet(b *testing.B, db *DB, keys int) {
	item, _, err := get(b.Context(), db, benchKey(rand.N(keys)))
	if err != nil || item.Rev == 0 {
		b.Errorf("%+v, %v", item, err)
	}
}

func BenchmarkCommit(b *testing.B) {
	perSize(b, func(b *testing.B, db *DB, keys int) {
		b.Run("serial", func(b *testing.B) {
			for b.Loop() {
				benchCommit(b, db, keys)
			}
		})
		for _, writers := range []int{8, 64} {
			b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
				b.SetParallelism(max(1, writers/runtime.GOMAXPROCS(0)))
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						benchCommit(b, db, keys)
					}
				})
			})
		}
	})
}

func benchCommit(b *testing.B, db *DB, keys int) {
	batch := put(benchKey(rand.N(keys)), string(make([]byte, 500)))
	if _, err := db.Commit(b.Context(), batch); err != nil {
		b.Error(err)
	}
}
