package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

var made = time.Date(2026, 12, 1, 8, 30, 15, 999, time.UTC)

// mustOpen opens a stored keyring.
func mustOpen(t *testing.T, root Root, kept []byte) *Opened {
	t.Helper()
	o, err := Open(t.Context(), root, kept)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustEncode(t *testing.T, o *Opened) []byte {
	t.Helper()
	kept, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// Each custody of a keyring opens it, and a custody that was removed does not.
func TestCustodies(t *testing.T) {
	first, second, third := NewEphemeralRoot(), NewEphemeralRoot(), NewEphemeralRoot()
	r, kept, err := NewKeyring(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	sealed := mustSeal(t, r.Records(), "place", "value")
	opens := func(kept []byte, by Root, want error) {
		t.Helper()
		r, err := OpenKeyring(t.Context(), by, kept)
		if !errors.Is(err, want) {
			t.Errorf("%v", err)
		}
		if err == nil {
			wantOpen(t, r.Records(), "place", sealed, "value")
		}
	}
	o := mustOpen(t, first, kept)
	for range 2 { // adding a custody again replaces its wrap
		if err := o.Add(t.Context(), second, made); err != nil {
			t.Fatal(err)
		}
	}
	both := mustEncode(t, o)
	opens(both, first, nil)
	opens(both, second, nil)
	opens(both, third, ErrWrongRoot)

	o = mustOpen(t, second, both)
	if err := o.Remove(first.ID()); err != nil {
		t.Fatal(err)
	}
	if err := o.Remove(second.ID()); err != ErrLastCustody {
		t.Errorf("the last custody: %v", err)
	}
	if err := o.Remove(third.ID()); err != nil {
		t.Errorf("an unknown custody: %v", err)
	}
	one := mustEncode(t, o)
	opens(one, first, ErrWrongRoot)
	opens(one, second, nil)
}

// A keyring of format 1 stays as it is until it is upgraded.
func TestUpgrade(t *testing.T) {
	root, second := NewEphemeralRoot(), NewEphemeralRoot()
	kept := wrap(t, root, [2]uint32{1, 1}, [2]uint32{2, 2})
	o := mustOpen(t, root, kept)
	if same := mustEncode(t, o); !bytes.Equal(same, kept) {
		t.Errorf("%s became %s", kept, same)
	}
	old := o.Keyring()
	sealed := mustSeal(t, old.Records(), "place", "value")
	for range 2 {
		if err := o.Upgrade(t.Context(), root, made); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Add(t.Context(), second, made); err != nil {
		t.Fatal(err)
	}
	kept = mustEncode(t, o)
	for _, by := range []Root{root, second} {
		wantOpen(t, mustOpen(t, by, kept).Keyring().Records(), "place", sealed, "value")
	}
	if text := string(kept); strings.Count(text, `"made":"2026-12-01T08:30:15Z"`) != 3 || !strings.HasPrefix(text, `{"format":2,`) {
		t.Error(text)
	}
	for _, k := range [][]byte{o.root, o.keys[1], o.keys[2]} {
		if encoded, _ := json.Marshal(k); len(k) != 32 || bytes.Contains(kept, encoded) {
			t.Error("a key is stored in the clear")
		}
	}
}

// Nobody without the root key can change a keyring: each member that is changed, added, removed or moved is found.
func TestAlteredKeyring(t *testing.T) {
	root, other := NewEphemeralRoot(), NewEphemeralRoot()
	_, kept, err := NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	o := mustOpen(t, root, kept)
	if err := o.Add(t.Context(), other, made); err != nil {
		t.Fatal(err)
	}
	kept = mustEncode(t, o)
	attacker, err := generate(made)
	if err != nil {
		t.Fatal(err)
	}
	alter := map[string]func(*stored){
		"format 1":               func(s *stored) { s.Format = 1 },
		"no MAC":                 func(s *stored) { s.MAC = nil },
		"another MAC":            func(s *stored) { s.MAC[31] ^= 1 },
		"a short MAC":            func(s *stored) { s.MAC = s.MAC[:31] },
		"a time":                 func(s *stored) { s.Roots[0].Made = made.Add(time.Hour) },
		"a time of a wrap":       func(s *stored) { s.Roots[0].Wraps[1].Made = made.Add(time.Hour) },
		"a time of a data key":   func(s *stored) { s.Keys[0].Made = made.Add(time.Hour) },
		"a wrap removed":         func(s *stored) { s.Roots[0].Wraps = s.Roots[0].Wraps[:1] },
		"a wrap added":           func(s *stored) { s.Roots[0].Wraps = append(s.Roots[0].Wraps, storedWrap{Custody: "x"}) },
		"a wrap of a name":       func(s *stored) { s.Roots[0].Wraps[1].Custody = "recovery" },
		"a wrap replaced":        func(s *stored) { s.Roots[0].Wraps[1].Wrapped[40] ^= 1 },
		"the order":              func(s *stored) { w := s.Roots[0].Wraps; w[0], w[1] = w[1], w[0] },
		"a root key too many":    func(s *stored) { s.Roots = append(s.Roots, s.Roots[0]) },
		"another root version":   func(s *stored) { s.Roots[0].Version = 2 },
		"a data key too many":    func(s *stored) { s.Keys = append(s.Keys, s.Keys[0]) },
		"no root of a data key":  func(s *stored) { s.Keys[0].Root = 0 },
		"another data key":       func(s *stored) { s.Keys[0] = attacker.stored.Keys[0] },
		"a data key of no root":  func(s *stored) { s.Keys[0] = attacker.stored.Keys[0]; s.Keys[0].Root = 7 },
		"a root without wraps":   func(s *stored) { s.Roots = append(s.Roots, storedRoot{Version: 2}) },
		"another data version":   func(s *stored) { s.Keys[0].Version = 2 },
		"a bridge":               func(s *stored) { s.Roots[0].Bridge = []byte("x") },
		"a data key that waits":  func(s *stored) { s.Keys[0].Waiting = true },
		"the attacker's keyring": func(s *stored) { w := s.Roots[0].Wraps; *s = attacker.stored; s.Roots[0].Wraps = w },
	}
	for name, change := range alter {
		s, err := parseKeyring(kept)
		if err != nil {
			t.Fatal(err)
		}
		change(&s)
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), root, text); err == nil {
			t.Errorf("%s: it opens", name)
		}
	}
	mustOpen(t, root, kept)
	added := []byte(strings.Replace(string(kept), `{"format":2,`, `{"format":2,"recovery":"",`, 1))
	if _, err := Open(t.Context(), root, added); err == nil {
		t.Error("a new member: it opens")
	}
}

// Values are sealed under a data key that was added, and older values still open.
func TestAddDataKey(t *testing.T) {
	root := NewEphemeralRoot()
	r, kept, err := NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	old := mustSeal(t, r.Records(), "place", "old")
	o := mustOpen(t, root, kept)
	if err := o.AddDataKey(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	waiting := mustEncode(t, o)
	o = mustOpen(t, root, waiting)
	r.Replace(o.Keyring())
	if header := mustSeal(t, r.Records(), "place", "value"); header[4] != 1 || r.Sealing() != 1 || r.Latest() != 2 {
		t.Errorf("a data key that waits: sealed under %d", header[4])
	}
	if !bytes.HasPrefix(waiting, []byte(`{"format":3,`)) {
		t.Errorf("%s", waiting)
	}
	o.UseDataKeys()
	used := mustEncode(t, o)
	if !bytes.HasPrefix(used, []byte(`{"format":2,`)) {
		t.Errorf("%s", used)
	}
	again := mustOpen(t, root, used).Keyring()
	fresh := mustSeal(t, again.Records(), "place", "fresh")
	wantOpen(t, again.Records(), "place", old, "old")
	wantOpen(t, again.Records(), "place", fresh, "fresh")
	wantOpen(t, r.Records(), "place", fresh, "fresh")
	before, err := OpenKeyring(t.Context(), root, kept)
	if err != nil {
		t.Fatal(err)
	}
	wantClosed(t, "a keyring without the new data key", before.Records(), "place", fresh)
	if err := mustOpen(t, root, wrap(t, root, [2]uint32{1, 1})).AddDataKey(t.Context(), made); err == nil {
		t.Error("a keyring of format 1 got a data key")
	}
}

// A reading of a keyring is older than another one if any of its versions is lower. Versions only grow.
func TestOlderReadings(t *testing.T) {
	base := dataKeys{latest: 5, newest: 4, oldest: 3}
	for _, test := range []struct {
		other dataKeys
		want  bool
	}{
		{base, false},
		{dataKeys{latest: 6, newest: 4, oldest: 3}, true},
		{dataKeys{latest: 5, newest: 5, oldest: 3}, true},
		{dataKeys{latest: 5, newest: 4, oldest: 4}, true},
		{dataKeys{latest: 4, newest: 3, oldest: 2}, false},
	} {
		if got := base.isBefore(&test.other); got != test.want {
			t.Errorf("before %+v: %v", test.other, got)
		}
	}
}

// A change fails if a custody does not wrap the root key, and a keyring of format 1 gets no data key.
func TestChangesFail(t *testing.T) {
	root, broken := NewEphemeralRoot(), brokenRoot{errors.New("the custody does not answer")}
	_, kept, err := NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	o := mustOpen(t, root, kept)
	if err := o.Add(t.Context(), broken, made); !errors.Is(err, broken.err) || !strings.HasPrefix(err.Error(), "wrap the root key: ") {
		t.Errorf("add: %v", err)
	}
	if d := o.Describe(); len(d.Custodies) != 1 || d.Has(broken.ID()) || !d.Has(root.ID()) {
		t.Errorf("%+v", d)
	}
	o.stored.Roots[0].Wraps = append(o.stored.Roots[0].Wraps, storedWrap{Custody: broken.ID()})
	if err := o.RotateRoot(t.Context(), made, broken); !errors.Is(err, broken.err) {
		t.Errorf("rotate: %v", err)
	}
	old := mustOpen(t, root, wrap(t, root, [2]uint32{1, 1}))
	if err := old.AddDataKey(t.Context(), made); err != errUpgradeFirst || len(old.keys) != 1 || len(old.stored.Keys) != 1 {
		t.Errorf("a data key of format 1: %v", err)
	}
	if err := old.Upgrade(t.Context(), broken, made); !errors.Is(err, broken.err) {
		t.Errorf("upgrade: %v", err)
	}
	if _, err := Describe([]byte("x")); err == nil {
		t.Error("a text that is not a keyring is described")
	}
}
