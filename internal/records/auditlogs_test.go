package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

func mustUpdate(t *testing.T, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// logFor returns a record of an audit log that names the arguments.
func logFor(deployment, log string) AuditLog { return AuditLog{Origin: deployment + " " + log} }

// The newest log of a node is found over all pages, beside the logs of nodes with similar names.
func TestLastAuditLog(t *testing.T) {
	s := newStore(t, memory.New())
	for n := 1; n <= 205; n++ {
		mustUpdate(t, s, func(tx *store.Tx) error {
			return AuditLogs.Put(tx, AuditLogPath("ONE", n), AuditLog{Origin: fmt.Sprint(n)})
		})
	}
	mustUpdate(t, s, func(tx *store.Tx) error {
		return errors.Join(AuditLogs.Put(tx, AuditLogPath("ON", 3), AuditLog{Origin: "ON"}), AuditLogs.Put(tx, AuditLogPath("ONE2", 7), AuditLog{Origin: "ONE2"}),
			AuditLogs.Put(tx, "BAD/x", AuditLog{Origin: "BAD"}))
	})
	for node, want := range map[string]struct {
		n      int
		origin string
		fails  bool
	}{"ONE": {205, "205", false}, "ON": {3, "ON", false}, "ONE2": {7, "ONE2", false}, "O": {0, "", false}, "BAD": {0, "BAD", true}} {
		err := s.View(t.Context(), func(v *store.View) error {
			n, log, err := LastAuditLog(v, node)
			if n != want.n || log.Origin != want.origin {
				t.Errorf("%s: %d, %+v", node, n, log)
			}
			return err
		})
		if (err != nil) != want.fails || want.fails && !strings.HasPrefix(err.Error(), "audit-log/BAD/x: ") {
			t.Errorf("%s: %v", node, err)
		}
	}
	for at := 1; at <= 3; at++ { // three pages
		b := &failingBackend{Backend: memory.New(), at: at}
		s := newStore(t, b)
		for n := 1; n <= 205; n++ {
			mustUpdate(t, s, func(tx *store.Tx) error { return AuditLogs.Put(tx, AuditLogPath("ONE", n), AuditLog{}) })
		}
		b.reads = 0
		if err := s.View(t.Context(), func(v *store.View) error { _, _, err := LastAuditLog(v, "ONE"); return err }); !errors.Is(err, errRead) {
			t.Errorf("without page %d: %v", at, err)
		}
	}
}

// The first log of a deployment gives the deployment its name, and all logs have it.
func TestBeginAuditLog(t *testing.T) {
	s := newStore(t, memory.New())
	begin := func(node string, n int) (log AuditLog, err error) {
		err = s.Update(t.Context(), func(tx *store.Tx) (err error) {
			log, err = BeginAuditLog(tx, node, n, logFor)
			return err
		})
		return log, err
	}
	first, err := begin("ONE", 1)
	if err != nil {
		t.Fatal(err)
	}
	deployment, _, _ := strings.Cut(first.Origin, " ")
	if len(deployment) != 16 || first.Origin != deployment+" ONE" {
		t.Errorf("%q", first.Origin)
	}
	for n, want := range map[int]string{2: "ONE.2", mostLogs: "ONE.10000"} {
		if log, err := begin("ONE", n); err != nil || log.Origin != deployment+" "+want {
			t.Errorf("log %d: %+v, %v", n, log, err)
		}
	}
	err = s.View(t.Context(), func(v *store.View) error {
		id, _, err := DeploymentIDs.Get(v, DeploymentIDPath)
		log, ok, failed := AuditLogs.Get(v, AuditLogPath("ONE", 1))
		if id.ID != deployment || !ok || log.Origin != first.Origin {
			t.Errorf("%+v, %+v", id, log)
		}
		return errors.Join(err, failed)
	})
	if err != nil {
		t.Error(err)
	}
	if log, err := begin("ONE", mostLogs+1); err == nil || log.Origin != "" {
		t.Errorf("too many logs: %+v, %v", log, err)
	}
	if _, err := begin("ONE", 1); err == nil {
		t.Error("a log was replaced")
	}
	for at := 1; ; at++ {
		b := &failingBackend{Backend: memory.New(), at: at}
		err := newStore(t, b).Update(t.Context(), func(tx *store.Tx) error {
			_, err := BeginAuditLog(tx, "ONE", 1, logFor)
			return err
		})
		if b.reads < at {
			break
		}
		if !errors.Is(err, errRead) {
			t.Errorf("without read %d: %v", at, err)
		}
	}
}

// The first log of a node has the name of the node.
func TestLogNames(t *testing.T) {
	for n, want := range map[int][2]string{1: {"ONE/000001", "ONE"}, 2: {"ONE/000002", "ONE.2"}, 10_000: {"ONE/010000", "ONE.10000"}} {
		if path, name := AuditLogPath("ONE", n), LogName("ONE", n); path != want[0] || name != want[1] {
			t.Errorf("log %d: %s, %s", n, path, name)
		}
	}
	if a, b := NewLogKey(), NewLogKey(); len(a) != 32 || bytes.Equal(a, b) || bytes.Equal(a, make([]byte, 32)) {
		t.Errorf("%x, %x", a, b)
	}
}

// A record has the members of its level, and the others are empty.
func TestMembersOfLevels(t *testing.T) {
	whole := Node{Incarnation: "x", Level: 3, Beat: 1, LastEvent: "e", SealMembers: SealMembers{Custody: "c", DataKey: 2, Sealing: 1}}
	second, first := whole, whole
	second.SealMembers, first.SealMembers, first.LastEvent = SealMembers{}, SealMembers{}, ""
	for level, want := range map[int]Node{0: first, 1: first, 2: second, 3: whole} {
		if got := whole.AtLevel(level); !reflect.DeepEqual(got, want) {
			t.Errorf("level %d: %+v", level, got)
		}
	}
}

// A keyring that is read again is never made.
func TestReloadMakesNoDeployment(t *testing.T) {
	root := seal.NewEphemeralRoot()
	old, kept, err := seal.NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	o, err := seal.Open(t.Context(), root, kept)
	if err == nil {
		err = o.AddDataKey(t.Context(), time.Unix(1, 0))
	}
	if err != nil {
		t.Fatal(err)
	}
	o.UseDataKeys()
	sealed, err := o.Keyring().Records().Seal([]byte("place"), []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	db := memory.New()
	Reload(old, db, func() seal.Root { return root })
	if _, err := old.Records().Open([]byte("place"), sealed); err == nil {
		t.Error("a value under an unknown data key opens")
	}
	if empty, err := IsEmpty(t.Context(), db); !empty || err != nil {
		t.Errorf("empty %v, %v", empty, err)
	}
}

// EachSlot pauses after each page, and ends with the error of a pause.
func TestEachSlotPauses(t *testing.T) {
	s := newStore(t, memory.New())
	const n = 2*slotPage + 1
	for i := range n {
		mustUpdate(t, s, func(tx *store.Tx) error {
			return Keys.Put(tx, fmt.Sprintf("a/r/%04d", i), key.Key{Materials: []key.Material{{ID: "m", Sealed: []byte("x"), Slot: fmt.Sprint(i)}}})
		})
	}
	mustUpdate(t, s, func(tx *store.Tx) error {
		return errors.Join(TokenRings.Put(tx, TokenRingPath, TokenRing{Keys: []TokenKey{{Slot: "token"}}}), NoteErasures(tx, []string{"erased", "also"}))
	})
	var slots []string
	pauses := 0
	err := EachSlot(t.Context(), s, func() error { pauses++; return nil }, func(slot string) { slots = append(slots, slot) })
	if err != nil || pauses != 5 || len(slots) != n+3 || slots[n-1] != fmt.Sprint(n-1) || slots[n] != "token" || slots[n+1]+slots[n+2] != "erasedalso" {
		t.Errorf("%d slots, %d pauses, %v", len(slots), pauses, err)
	}
	for at := 1; at <= 5; at++ {
		pauses, slots = 0, nil
		err := EachSlot(t.Context(), s, func() error {
			if pauses++; pauses == at {
				return context.Canceled
			}
			return nil
		}, func(slot string) { slots = append(slots, slot) })
		if !errors.Is(err, context.Canceled) || pauses != at {
			t.Errorf("pause %d ends it: %v after %d pauses", at, err, pauses)
		}
	}
}

// SplitKey gives a key its text once.
func TestSplitKey(t *testing.T) {
	s := newStore(t, memory.New())
	raw := store.Table[keyOfFormat2]{Prefix: Keys.Prefix, Codec: store.JSON[keyOfFormat2]()}
	path := PathOf(ofFormat2)
	mustUpdate(t, s, func(tx *store.Tx) error {
		old, err := store.JSON[keyOfFormat2]().Decode([]byte(format2))
		return errors.Join(err, raw.Put(tx, path, old))
	})
	for range 2 {
		mustUpdate(t, s, func(tx *store.Tx) error { return SplitKey(tx, path) })
		err := s.View(t.Context(), func(v *store.View) error {
			k, _, err := Keys.Get(v, path)
			text, ok, failed := KeyTexts.Get(v, path)
			if k.Policy != "" || !ok || !reflect.DeepEqual(k.WithText(text), ofFormat2) {
				t.Errorf("%+v, %+v", k, text)
			}
			return errors.Join(err, failed)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	mustUpdate(t, s, func(tx *store.Tx) error { return SplitKey(tx, "a/r/absent") })
}
