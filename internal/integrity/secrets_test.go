package integrity

import (
	"hash/maphash"
	"testing"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/secrettest"
)

// Verify clears each material and each token key that it has opened. The ID of this material is wrong, so no cipher is
// made of the material. The computation of the ID leaves one copy.
func TestVerifyClearsSecrets(t *testing.T) {
	const runs = 8
	secrettest.KeepGarbage(t)
	w := newDamageTest(t)
	m, err := w.sealer().Seal(t.Context(), w.enabled, w.enabled.Materials[0].ID, crypt.NewSymmetricMaterial())
	w.must(err)
	ring := w.ring()
	v := &verifier{ctx: t.Context(), slots: w.slots, materials: w.sealer(), tokenSeal: w.keyring.TokenKeys(), seed: maphash.MakeSeed()}
	for what, test := range map[string]struct {
		open  func() ([]byte, error)
		check func()
		most  int // copies of one check
	}{
		"material": {func() ([]byte, error) { return w.sealer().Open(t.Context(), w.enabled, m) }, func() {
			if v.checkMaterial(w.enabled, m) == nil {
				t.Error("the material has the right ID")
			}
		}, 1},
		"token key": {func() ([]byte, error) {
			return material.OpenTokenKey(t.Context(), w.slots, w.keyring.TokenKeys(), ring.Keys[0])
		}, func() {
			v.named = map[uint64]bool{}
			if err := v.tokenKey(ring.Keys[0]); err != nil {
				t.Error(err)
			}
		}, 0},
	} {
		var p secrettest.Pattern
		secrettest.Alone(func() {
			secret, err := test.open()
			if err != nil {
				t.Error(err)
			}
			p = secrettest.Take(secret)
		})
		before := secrettest.Copies(t, p)
		for range runs {
			secrettest.Alone(test.check)
		}
		if after := secrettest.Copies(t, p); after >= before+(test.most+1)*runs {
			t.Errorf("%s: %d copies after %d checks, and %d before", what, after, runs, before)
		}
	}
}
