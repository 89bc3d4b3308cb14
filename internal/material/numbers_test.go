package material

import (
	"fmt"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/listtest"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Limits and times have these values, which docs/storage.md and docs/material.md rely on. The other tests name them.
func TestNumbers(t *testing.T) {
	listtest.Numbers(t, [][3]any{
		{"time of an erasure for its own node", erasurePause, 10 * time.Second},
		{"erasures that a node remembers", maxSeen, 10_000},
		{"opened materials", maxOpened, 10_000},
		{"bytes of opened materials", maxOpenedBytes, 134_217_728},
		{"first round after a start", firstRound, 5 * time.Minute},
		{"time between rounds", betweenRound, 24 * time.Hour},
		{"largest delay of a round", roundJitter, 5 * time.Minute},
		{"wait for commits that are under way", settling, time.Minute},
		{"slots in a part of a round", partSlots, 1_048_576},
		{"slots in an Erasure", erasedPage, 1000},
		{"slots that are erased without a question", fewSlots, 1000},
		{"one slot of so many", mostSlots, 10},
	})
}

// A node remembers a bounded number of erasures of other nodes, and carries out those that it remembers.
func TestErasuresThatANodeRemembers(t *testing.T) {
	v := newVaultTest(t)
	const all = 10_005
	for begin := 0; begin < all; begin += 100 {
		err := v.store.Update(t.Context(), func(tx *store.Tx) error {
			for i := begin; i < min(begin+100, all); i++ {
				if err := records.Erasures.Put(tx, fmt.Sprintf("1-%016d", i), records.Erasure{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := v.SweepErasures(t.Context(), time.Now()); err != nil || len(v.seen) != 10_000 || v.cleaned != 0 {
		t.Errorf("%d erasures are remembered, %d carried out, %v", len(v.seen), v.cleaned, err)
	}
}
