package service

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/reseal"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// custodiesOf returns the IDs of the custodies in the keyring, sorted.
func custodiesOf(t *testing.T, s *Service) (ids []string) {
	t.Helper()
	status, err := s.seals.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range status.Custodies {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}

// A recovery key opens a deployment after its root key was replaced twice, for which its public half was enough. The new
// custody then is beside the former ones, or alone.
func TestRecoverTheSeal(t *testing.T) {
	for _, alone := range []bool{false, true} {
		w := newWorkTest(t)
		backend, former := copyOf(t, w.backend), w.root
		s, end, err := w.open(t.Context(), backend, w.now)
		if err != nil {
			t.Fatal(err)
		}
		first, _ := newRecoveryKey(t)
		second, private := newRecoveryKey(t)
		for _, root := range []seal.Root{first, second} {
			if err := s.SetUpRecovery(t.Context(), root, RecoverySet{Threshold: 2, Shares: 3}); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{former.ID(), second.ID()}
		if got := custodiesOf(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the keyring has %v, want %v: a new recovery key replaces the first", got, want)
		}
		for range 2 {
			c, err := s.seals.RotateRoot(t.Context())
			if err := s.changeSeal(t.Context(), "RotateRoot", struct{}{}, c, err); err != nil {
				t.Fatal(err)
			}
		}
		end()
		if w.root, err = seal.OpenRecoveryKey(private); err != nil {
			t.Fatal(err)
		}
		if s, end, err = w.open(t.Context(), backend, w.now); err != nil {
			t.Fatal(err)
		}
		to := seal.NewEphemeralRoot()
		if err := s.Recover(t.Context(), to, alone, RecoverySet{Threshold: 2, Shares: 3}); err != nil {
			t.Fatal(err)
		}
		if want = []string{to.ID(), second.ID()}; !alone {
			want = append(want, former.ID())
		}
		slices.Sort(want)
		if got := custodiesOf(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the keyring has %v, want %v", got, want)
		}
		end()
		w.root = first
		if _, end, err := w.open(t.Context(), backend, w.now); !errors.Is(err, seal.ErrWrongRoot) {
			t.Errorf("the first recovery key: %v", err)
			end()
		}
		w.root = to
		_, end, err = w.open(t.Context(), backend, w.now)
		if err != nil {
			t.Fatal(err)
		}
		end()
	}
}

func newRecoveryKey(t *testing.T) (seal.Root, []byte) {
	t.Helper()
	root, private, err := seal.NewRecoveryKey()
	if err != nil {
		t.Fatal(err)
	}
	return root, private
}

// A custody that a node uses is not removed by a recovery. Nothing is changed then.
func TestRecoverKeepsCustodiesInUse(t *testing.T) {
	w := newWorkTest(t)
	s, end, err := w.open(t.Context(), copyOf(t, w.backend), w.now)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	recovery, _ := newRecoveryKey(t)
	if err := s.SetUpRecovery(t.Context(), recovery, RecoverySet{}); err != nil {
		t.Fatal(err)
	}
	err = s.store.Update(t.Context(), func(tx *store.Tx) error {
		n := records.Node{}
		n.Custody = w.root.ID()
		return errors.Join(records.Nodes.Put(tx, "NODE", n), records.Confirmations.Put(tx, "NODE", records.Confirmation{}))
	})
	if err != nil {
		t.Fatal(err)
	}
	to := seal.NewEphemeralRoot()
	if err := s.Recover(t.Context(), to, true, RecoverySet{}); !errors.Is(err, reseal.ErrInUse) {
		t.Errorf("remove the custody of a node: %v", err)
	}
	if got := custodiesOf(t, s); len(got) != 2 {
		t.Errorf("the keyring has %v", got)
	}
	if err := s.Recover(t.Context(), to, false, RecoverySet{}); err != nil || len(custodiesOf(t, s)) != 3 {
		t.Errorf("keep it: %v", err)
	}
}
