package reseal

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A new data key replaces the former one: every record and every value inside is sealed again, and the former data key
// is destroyed when no session token under it can be valid.
func TestRotateData(t *testing.T) {
	const keys = 300
	w := newSealTest(t, keys)
	p := w.open(w.backend)
	before := w.versions()
	if len(before) != 1 || before[1] < 6*keys {
		t.Fatal(before)
	}
	c, err := p.RotateData(t.Context())
	w.make(p, c, err)
	if r, ok := w.rotation(p); !ok || r.To != 2 || r.Phase != records.PhaseWaiting || !r.Begun.Equal(start) {
		t.Errorf("%+v", r)
	}
	if p.Keyring.Sealing() != 1 || p.Keyring.Latest() != 2 {
		t.Error("a data key is used that no node may have")
	}
	if c, err = p.RotateData(t.Context()); err != nil || !errors.Is(p.Store.Update(t.Context(), c.Put), ErrRotating) {
		t.Errorf("a second data key: %v", err)
	}
	w.until(p, records.PhaseCounting)
	if p.Keyring.Sealing() != 2 {
		t.Error("the new data key is not used")
	}
	w.until(p, records.PhaseResealing)
	counted, _ := w.rotation(p)
	outer := before[1] - 2*keys - 1 // without what is sealed inside
	if counted.Total != int64(outer) || !maps.Equal(counted.Left, map[string]int64{"1": counted.Total}) || counted.Remaining() != counted.Total {
		t.Errorf("counted %+v, want %d", counted, outer)
	}
	pages, last := 0, counted.Total
	for {
		if _, err := p.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, _ := w.rotation(p)
		if r.Phase != records.PhaseResealing {
			break
		}
		if n := last - r.Remaining(); n < 1 || n > pageWrites {
			t.Fatalf("a page of %d records", n)
		}
		pages, last = pages+1, r.Remaining()
		w.sound(0)
	}
	if pages < outer/pageWrites {
		t.Errorf("%d pages for %d records", pages, outer)
	}
	r, _ := w.rotation(p)
	if r.Remaining() != 0 || r.Total != counted.Total || !r.Rest.Equal(start.Add(37*time.Hour)) || r.Phase != records.PhaseResting {
		t.Errorf("%+v", r)
	}
	if after := w.versions(); len(after) != 1 || after[2] < before[1] {
		t.Errorf("values by data key: %v", after)
	}
	w.now = r.Rest.Add(-time.Second)
	if pause, err := p.Step(t.Context()); pause != time.Second || err != nil {
		t.Error(pause, err)
	}
	if r, _ := w.rotation(p); r.Phase != records.PhaseResting {
		t.Error("the data keys are destroyed while a session may live")
	}
	w.until(p, "")
	if !slices.Equal(*p.events, []string{"UseDataKey {2}", "DestroyDataKeys {2}"}) {
		t.Error(*p.events)
	}
	w.sound(keys)
	for _, p := range []process{p, w.open(w.backend)} {
		if _, err := p.Keyring.SessionTokens().Open(nil, sealedUnder1(t, w)); !errors.Is(err, seal.ErrDestroyed) {
			t.Errorf("under the former data key: %v", err)
		}
	}
	s, err := p.Status(t.Context())
	if err != nil || len(s.Keys) != 1 || s.Keys[0].Version != 2 || s.Keys[0].State != StateSealing || s.Keys[0].Records != -1 || s.Rotation != nil {
		t.Errorf("%+v, %v", s, err)
	}
}

// sealedUnder1 returns a value with the header of a value under data key 1.
func sealedUnder1(t *testing.T, w *sealTest) []byte {
	t.Helper()
	sealed, err := w.open(w.backend).Keyring.SessionTokens().Seal(nil, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	sealed[4] = 1
	return sealed
}

// A second rotation can begin when all records are sealed again. Both older data keys are destroyed at its end.
func TestSecondRotation(t *testing.T) {
	w := newSealTest(t, 3)
	p := w.open(w.backend)
	c, err := p.RotateData(t.Context())
	w.make(p, c, err)
	w.until(p, records.PhaseResting)
	w.now = w.now.Add(time.Hour)
	c, err = p.RotateData(t.Context())
	w.make(p, c, err)
	s, err := p.Status(t.Context())
	if err != nil || fmt.Sprint(s.Keys[0].State, s.Keys[1].State, s.Keys[2].State, s.Keys[0].Records, s.Keys[2].Records) != "OpeningSealingWaiting-1 0" {
		t.Errorf("%+v, %v", s.Keys, err)
	}
	w.until(p, records.PhaseResealing)
	if r, _ := w.rotation(p); r.To != 3 || r.Left["2"] != r.Total || r.Total == 0 {
		t.Errorf("%+v", r)
	}
	w.until(p, "")
	if v := w.versions(); len(v) != 1 || v[3] == 0 || p.Keyring.Oldest() != 3 {
		t.Errorf("%v, the oldest is %d", v, p.Keyring.Oldest())
	}
	w.sound(3)
}

// Changes between the pages lose nothing: a key that is written under the new data key keeps material under the former
// one until the pass or the check finds it. Removed records do not stop the rotation.
func TestChangesDuringARotation(t *testing.T) {
	const keys = 40
	w := newSealTest(t, keys)
	p, late := w.open(w.backend), w.open(w.backend)
	c, err := p.RotateData(t.Context())
	w.make(p, c, err)
	w.until(p, records.PhaseResealing)
	touch := func(i int) {
		w.update(p, func(tx *store.Tx) error {
			k, _, err := records.Keys.Get(tx, records.PathOf(w.key(i)))
			if err != nil {
				return err
			}
			_, err = records.PutKeys(tx, k)
			return err
		})
	}
	for i := range keys {
		touch(i)
	}
	w.update(p, func(tx *store.Tx) error {
		return records.RemoveAlias(tx, key.Alias{Account: w.key(0).Account, Region: w.key(0).Region, KeyID: w.key(0).ID, Name: "alias/0000"})
	})
	w.until(p, records.PhaseResting)
	if v := w.versions(); len(v) != 1 {
		t.Errorf("after the pass: %v", v)
	}
	// A commit that was late brings a record under the former data key.
	w.update(late, func(tx *store.Tx) error {
		return records.Usages.Put(tx, records.PathOf(w.key(1)), records.Usage{Operation: "Encrypt", EventID: "x", Time: start})
	})
	w.until(p, records.PhaseChecking)
	for {
		r, ok := w.rotation(p)
		if !ok {
			t.Fatal("destroyed although a check found a record")
		}
		if r.Phase == records.PhaseResting {
			if r.Tries != 1 || !r.Rest.Equal(w.now.Add(time.Minute)) {
				t.Errorf("%+v", r)
			}
			break
		}
		if _, err := p.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.until(p, "")
	w.sound(keys)
}

// A record that is damaged stays, with an error in the log, and so do the older data keys.
func TestDamagedRecordKeepsDataKeys(t *testing.T) {
	w := newSealTest(t, 3)
	p := w.open(w.backend)
	path := []byte(records.Keys.Prefix + "/" + records.PathOf(w.key(1)))
	var item store.Item
	err := w.backend.View(t.Context(), func(r store.Reader) (err error) {
		item, err = store.ReadItem(r, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	good := slices.Clone(item.Value)
	damage := func(value []byte) {
		t.Helper()
		if _, err := w.backend.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: path, Value: value}}}); err != nil {
			t.Fatal(err)
		}
	}
	item.Value[len(item.Value)-1] ^= 1
	damage(item.Value)
	c, err := p.RotateData(t.Context())
	w.make(p, c, err)
	w.until(p, records.PhaseResting)
	r, _ := w.rotation(p)
	if r.Stuck != 1 || r.Remaining() != 1 || !strings.Contains(w.log.String(), "record="+string(path)) {
		t.Errorf("%+v %s", r, w.log.String())
	}
	w.now = r.Rest
	for range 3 {
		w.until(p, records.PhaseChecking)
		for r, _ = w.rotation(p); r.Phase == records.PhaseChecking; r, _ = w.rotation(p) {
			if _, err := p.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !r.Rest.Equal(w.now.Add(time.Hour)) || r.Stuck != 1 {
			t.Errorf("%+v", r)
		}
	}
	damage(good)
	w.until(p, "")
	w.sound(3)
}

// Each commit of a rotation fails in turn, before or after it is made, and the process is killed then. The next process
// completes the rotation, and nothing is lost.
func TestRotationIsKilledAtEachCommit(t *testing.T) {
	for _, persist := range []bool{false, true} {
		for left := 0; ; left++ {
			w := newSealTest(t, 60)
			killed := &storetest.Killed{Backend: w.backend, Left: left, Persist: persist}
			p := w.open(killed)
			err := rotateAll(w, p)
			if err == nil {
				if left < 8 {
					t.Errorf("the rotation has %d commits", left)
				}
				w.sound(60)
				break
			}
			if !errors.Is(err, storetest.ErrKilled) {
				t.Fatal(err)
			}
			w.sound(60)
			p = w.open(w.backend)
			if _, ok := w.rotation(p); !ok && p.Keyring.Oldest() == 1 {
				c, err := p.RotateData(t.Context())
				w.make(p, c, err)
			}
			w.until(p, "")
			w.sound(60)
			if v := w.versions(); len(v) != 1 || v[2] == 0 || p.Keyring.Oldest() != 2 {
				t.Errorf("killed at %d: %v", left, v)
			}
		}
	}
}

// rotateAll begins a rotation and carries it out, until an error.
func rotateAll(w *sealTest, p process) error {
	c, err := p.RotateData(w.Context())
	if err == nil {
		err = p.Store.Update(w.Context(), c.Put)
	}
	if err != nil {
		return err
	}
	c.Made()
	for {
		r, ok, err := p.rotation(w.Context())
		if err != nil || !ok {
			return err
		}
		if r.Phase == records.PhaseResting {
			w.now = r.Rest
		}
		if _, err := p.Step(w.Context()); err != nil {
			return err
		}
	}
}

// Commits whose outcome is not known, made or not, do no harm: the same process completes the rotation.
func TestRotationWithUnknownCommits(t *testing.T) {
	for _, made := range []bool{false, true} {
		w := newSealTest(t, 60)
		b := &unknown{Backend: w.backend, made: made}
		p := w.open(b)
		c, err := p.RotateData(t.Context())
		w.make(p, c, err)
		b.every = 2
		w.until(p, "")
		w.sound(60)
		if v := w.versions(); len(v) != 1 || v[2] == 0 || b.unknown < 5 {
			t.Errorf("%v after %d unknown commits", v, b.unknown)
		}
	}
}
