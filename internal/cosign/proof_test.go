package cosign_test

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/logtest"
)

func TestCheckProof(t *testing.T) {
	log := logtest.New(t, "example.com/log", 1)
	for i := range 20 {
		log.Add(strings.Repeat("x", i))
	}
	for n := int64(0); n <= 20; n++ {
		for m := int64(0); m <= 20; m++ {
			proof := log.Proof(m, n)
			if err := cosign.CheckProof(proof, log.At(n), log.At(m)); (err == nil) != (m <= n) {
				t.Errorf("%d to %d: %v", m, n, err)
			}
			other := log.At(m)
			other.Root[3] ^= 1
			if err := cosign.CheckProof(proof, log.At(n), other); err == nil && m > 0 {
				t.Errorf("%d to %d: another old tree is accepted", m, n)
			}
			if err := cosign.CheckProof(append(proof, tlog.Hash{}), log.At(n), log.At(m)); err == nil {
				t.Errorf("%d to %d: a longer proof is accepted", m, n)
			}
		}
	}
	if cosign.Empty("example.com/log") != log.At(0) {
		t.Error("the empty tree")
	}
}
