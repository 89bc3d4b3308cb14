package seal

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// A data key that was destroyed opens nothing, and values that name it are distinguished from damaged values. A process
// that has read a later keyring keeps it.
func TestDestroyedDataKey(t *testing.T) {
	root := NewEphemeralRoot()
	r, kept, err := NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	old := mustSeal(t, r.GrantTokens(), "", "old")
	o := mustOpen(t, root, kept)
	if err := o.AddDataKey(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	o.UseDataKeys()
	both := o.Keyring()
	o.DestroyDataKeys(9) // the last one stays
	wantOpen(t, o.Keyring().GrantTokens(), "", old, "old")
	o = mustOpen(t, root, mustEncode(t, o))
	o.DestroyDataKeys(2)
	one := mustOpen(t, root, mustEncode(t, o)).Keyring()
	r.Replace(both)
	fresh := mustSeal(t, r.GrantTokens(), "", "fresh")
	r.OnUnknown(func() (*Keyring, error) { t.Error("read again for a destroyed data key"); return r, nil })
	r.Replace(one)
	r.Replace(both)
	for _, ring := range []*Keyring{r, one} {
		if _, err := ring.GrantTokens().Open(nil, old); !errors.Is(err, ErrDestroyed) || !errors.Is(err, ErrOpen) {
			t.Errorf("under a destroyed data key: %v", err)
		}
		wantOpen(t, ring.GrantTokens(), "", fresh, "fresh")
	}
	fresh[len(fresh)-1] ^= 1
	if _, err := one.GrantTokens().Open(nil, fresh); errors.Is(err, ErrDestroyed) || !errors.Is(err, ErrOpen) {
		t.Errorf("a damaged value: %v", err)
	}
	if VersionOf(old) != 1 || VersionOf(fresh) != 2 || VersionOf(nil) != 0 || VersionOf(fresh[:headerSize-1]) != 0 || VersionOf(fresh[:headerSize]) != 2 || VersionOf(append([]byte{2}, fresh[1:]...)) != 0 {
		t.Error("the versions of sealed values are wrong")
	}
}

// Custodies that a rotation lacks open the rotated keyring by a bridge, over several rotations, until they have wrapped
// the newest root key. Then no wrap of an older root key opens the keyring.
func TestRotateRoot(t *testing.T) {
	a, b, c := NewRoot("a", randomBytes(keySize)), NewRoot("b", randomBytes(keySize)), NewRoot("c", randomBytes(keySize))
	r, kept, err := NewKeyring(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	sealed := mustSeal(t, r.Records(), "place", "value")
	o := mustOpen(t, a, kept)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(o.Add(t.Context(), b, made))
	must(o.Add(t.Context(), c, made.Add(time.Hour)))
	before := mustEncode(t, o)
	first := o.root
	state := func(kept []byte) (text string) {
		t.Helper()
		for _, by := range []Root{a, b, c} {
			if o, err := Open(t.Context(), by, kept); err == nil {
				wantOpen(t, o.Keyring().Records(), "place", sealed, "value")
				text += by.ID()[:1]
			} else if !errors.Is(err, ErrWrongRoot) {
				t.Error(err)
			}
		}
		d, err := Describe(kept)
		must(err)
		for _, root := range d.Roots {
			text += " " + string(rune('0'+root.Version))
		}
		for _, c := range d.Custodies {
			if c.Lags {
				text += " " + c.ID[:1]
			}
			want := made
			if c.ID == "c" {
				want = made.Add(time.Hour)
			}
			if strings.HasPrefix(c.ID, "b") && !c.Since.Equal(toSecond(want)) {
				t.Errorf("%s since %v", c.ID, c.Since)
			}
		}
		return text
	}
	want := func(want string) {
		t.Helper()
		kept = mustEncode(t, o)
		if got := state(kept); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	want("abc 1")
	must(o.RotateRoot(t.Context(), made, a, NewEphemeralRoot()))
	want("abc 1 2 b c")
	o = mustOpen(t, c, kept)
	must(o.RotateRoot(t.Context(), made, c))
	want("abc 1 2 3 b a")
	o = mustOpen(t, b, kept)
	must(o.Adopt(t.Context(), b))
	must(o.Adopt(t.Context(), b))
	want("abc 2 3 a")
	must(o.Adopt(t.Context(), NewEphemeralRoot()))
	want("abc 2 3 a")
	must(o.Remove(c.ID()))
	want("ab 2 3 a")
	o = mustOpen(t, a, kept)
	must(o.Adopt(t.Context(), a))
	want("ab 3")
	if !strings.HasPrefix(string(kept), `{"format":2,`) {
		t.Errorf("%s", kept)
	}
	must(o.RotateRoot(t.Context(), made, a))
	must(o.Remove(b.ID()))
	want("a 4")
	if err := o.Remove(a.ID()); err != ErrLastCustody {
		t.Error(err)
	}
	if slices.Equal(o.root, first) {
		t.Error("the root key is the same")
	}

	// Who kept an old copy of the store and a custody of then opens the copy, and not the present keyring.
	mustOpen(t, c, before)
	if _, err := Open(t.Context(), c, kept); !errors.Is(err, ErrWrongRoot) {
		t.Errorf("a custody that was removed: %v", err)
	}
	if _, err := unwrap(t.Context(), localRoot{key: first}, o.stored.Keys[0].Wrapped, dataKeyContext(1)); err == nil {
		t.Error("the first root key opens a data key of the present keyring")
	}
}

// A bridge that was altered, or that belongs to another root key, opens nothing.
func TestAlteredBridge(t *testing.T) {
	a, b := NewEphemeralRoot(), NewRoot("b", randomBytes(keySize))
	_, kept, err := NewKeyring(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	o := mustOpen(t, a, kept)
	if err := errors.Join(o.Add(t.Context(), b, made), o.RotateRoot(t.Context(), made, a), o.RotateRoot(t.Context(), made, a)); err != nil {
		t.Fatal(err)
	}
	kept = mustEncode(t, o)
	mustOpen(t, b, kept)
	for name, alter := range map[string]func(s *stored){
		"a bit":              func(s *stored) { s.Roots[2].Bridge[20] ^= 1 },
		"none":               func(s *stored) { s.Roots[1].Bridge = nil },
		"two exchanged":      func(s *stored) { s.Roots[1].Bridge, s.Roots[2].Bridge = s.Roots[2].Bridge, s.Roots[1].Bridge },
		"a root key removed": func(s *stored) { s.Roots = slices.Delete(s.Roots, 1, 2) },
	} {
		s, err := parseKeyring(kept)
		if err != nil {
			t.Fatal(err)
		}
		alter(&s)
		text := mustEncode(t, &Opened{stored: s, root: o.root})
		if _, err := Open(t.Context(), b, text); !errors.Is(err, ErrAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A keyring of format 1 has to be upgraded before anything else.
func TestChangesOfFormat1(t *testing.T) {
	root := NewEphemeralRoot()
	o := mustOpen(t, root, wrap(t, root, [2]uint32{1, 1}))
	for name, err := range map[string]error{
		"add":    o.Add(t.Context(), root, made),
		"remove": o.Remove(root.ID()),
		"rotate": o.RotateRoot(t.Context(), made, root),
	} {
		if err == nil {
			t.Errorf("%s: it worked", name)
		}
	}
	if o.Lags(root.ID()) || len(o.Describe().Custodies) > 0 || o.Describe().Format != 1 {
		t.Errorf("%+v", o.Describe())
	}
}

// A keyring with a recovery key whose public half is missing is not rotated, and stays as it is.
func TestRotateRootNeedsTheRecoveryKeys(t *testing.T) {
	root := NewEphemeralRoot()
	r, kept, err := NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if r.Oldest() != 1 || r.Latest() != 1 || r.Sealing() != 1 {
		t.Errorf("data keys %d to %d", r.Oldest(), r.Latest())
	}
	o := mustOpen(t, root, kept)
	o.stored.Roots[0].Wraps = append(o.stored.Roots[0].Wraps, storedWrap{Custody: RecoveryKind + ":x", Wrapped: []byte("x")})
	if err := o.RotateRoot(t.Context(), made, root); err == nil || len(o.stored.Roots) != 1 {
		t.Errorf("%v, %d root keys", err, len(o.stored.Roots))
	}
	cause := errors.New("cut off")
	if err := error(&ReloadError{cause}); !errors.Is(err, cause) || !strings.HasSuffix(err.Error(), "the keyring could not be read: cut off") {
		t.Error(err)
	}
}
