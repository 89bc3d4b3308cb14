package material

import (
	"context"
	"errors"
	"testing"

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
