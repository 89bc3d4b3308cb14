package material

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/keyhold/keyhold/internal/crypt"
)

func TestWrappingKeys(t *testing.T) {
	w := NewWrappingKeys(1, func(_ context.Context, _, spec string) (*crypt.WrappingKey, error) {
		return crypt.NewWrappingKey(spec)
	})
	defer w.Close()
	seen := map[string]bool{}
	for range 3 {
		k, err := w.Take(t.Context(), "alice", "RSA_2048")
		if err != nil {
			t.Fatal(err)
		}
		p, _ := k.Primes()
		if seen[string(p)] {
			t.Error("one pair was given out twice")
		}
		seen[string(p)] = true
	}
}

func TestWrappingKeysThatAreNotMade(t *testing.T) {
	refused := errors.New("refused")
	w := NewWrappingKeys(1, func(context.Context, string, string) (*crypt.WrappingKey, error) { return nil, refused })
	defer w.Close()
	if _, err := w.Take(t.Context(), "alice", "RSA_2048"); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}

// Once a spec was asked for, the given number of pairs is ready, and pairs that are ready are given out first.
func TestPairsAreMadeAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		made := map[string]int{} // by principal
		w := NewWrappingKeys(2, func(_ context.Context, principal, _ string) (*crypt.WrappingKey, error) {
			mu.Lock()
			defer mu.Unlock()
			if made[principal]++; made[principal] > 9 {
				return nil, errors.New("too many")
			}
			return new(crypt.WrappingKey), nil
		})
		defer w.Close()
		for i, want := range []map[string]int{{"alice": 1, aheadOfAll: 2}, {"alice": 1, aheadOfAll: 3}} {
			if k, err := w.Take(t.Context(), "alice", "RSA_2048"); err != nil || k == nil {
				t.Errorf("%v, %v", k, err)
			}
			if synctest.Wait(); !maps.Equal(made, want) {
				t.Errorf("pairs made after request %d: %v, want %v", i+1, made, want)
			}
		}
	})
}

// Close ends the generation of a pair ahead of time, and no other begins. What fails leaves the pool as it was.
func TestCloseEndsThePairInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := 0
		w := NewWrappingKeys(1, func(ctx context.Context, principal, _ string) (*crypt.WrappingKey, error) {
			if principal != aheadOfAll {
				return new(crypt.WrappingKey), nil
			}
			begun++
			<-ctx.Done()
			return nil, ctx.Err()
		})
		take := func() {
			t.Helper()
			if k, err := w.Take(t.Context(), "alice", "RSA_2048"); err != nil || k == nil {
				t.Errorf("%v, %v", k, err)
			}
			synctest.Wait()
		}
		take()
		take()
		if begun != 1 {
			t.Errorf("%d pairs are generated ahead at once", begun)
		}
		w.Close()
		if p := w.pools["RSA_2048"]; p.filling || len(p.ready) != 0 {
			t.Errorf("after the end: %+v", p)
		}
		if take(); begun != 1 {
			t.Error("a pair is generated ahead after the end")
		}
	})
}

// The last pair that is ready is given out before another is made.
func TestTheLastReadyPairIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		w := NewWrappingKeys(1, func(context.Context, string, string) (*crypt.WrappingKey, error) {
			made++
			return new(crypt.WrappingKey), nil
		})
		defer w.Close()
		ready := new(crypt.WrappingKey)
		w.pools["RSA_2048"] = &pool{ready: []*crypt.WrappingKey{ready}, filling: true}
		if k, err := w.Take(t.Context(), "alice", "RSA_2048"); k != ready || err != nil || made != 0 {
			t.Errorf("%p, %v, %d pairs were made, want %p", k, err, made, ready)
		}
	})
}
