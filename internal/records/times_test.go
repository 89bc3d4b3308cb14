package records

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A token key is needed for 25 hours.
func TestTokenKeysThatAreNeeded(t *testing.T) {
	ring := TokenRing{Keys: []TokenKey{{Hour: 100, Slot: "a"}, {Hour: 101, Slot: "b"}, {Hour: 99, Slot: "c"}}}
	for hour, want := range map[int64]struct {
		kept []int64
		left []string
	}{
		124: {[]int64{100, 101, 99}, nil},
		125: {[]int64{100, 101}, []string{"c"}},
		126: {[]int64{101}, []string{"a", "c"}},
		127: {nil, []string{"a", "b", "c"}},
	} {
		kept, left := ring.Without(hour)
		var hours []int64
		for _, k := range kept.Keys {
			hours = append(hours, k.Hour)
		}
		if !slices.Equal(hours, want.kept) || !slices.Equal(left, want.left) {
			t.Errorf("at hour %d: kept %v, left %v", hour, hours, left)
		}
	}
	for hour, slot := range map[int64]string{99: "c", 101: "b", 102: ""} {
		if k, ok := ring.Of(hour); k.Slot != slot || ok != (slot != "") {
			t.Errorf("of hour %d: %+v, %v", hour, k, ok)
		}
	}
}

// The entry of a due key comes at the second at which the key is due, or at the next second, and never before.
func TestDuePaths(t *testing.T) {
	second := time.Unix(1_800_000_000, 0)
	for at, want := range map[time.Time]string{
		second:                        "001800000000/a/b/c",
		second.Add(1):                 "001800000001/a/b/c",
		second.Add(time.Second - 1):   "001800000001/a/b/c",
		second.Add(time.Second):       "001800000001/a/b/c",
		time.Unix(1, 0):               "000000000001/a/b/c",
		time.Unix(999_999_999_999, 0): "999999999999/a/b/c",
	} {
		if got := DuePath(at, "a/b/c"); got != want || KeyPathOfDue(got) != "a/b/c" {
			t.Errorf("%s: %s of %s", at, got, KeyPathOfDue(got))
		}
	}
}

// The index of due times follows a key. A replica that becomes due later stays where the index lists it.
func TestWhereKeysAreListed(t *testing.T) {
	early, late := time.Unix(1000, 0).UTC(), time.Unix(2000, 0).UTC()
	single := key.Key{ID: "k", Account: "a", Region: "r"}
	replica := single
	replica.MultiRegion.Primary = "other"
	with := func(k key.Key, due time.Time) key.Key {
		if !due.IsZero() {
			k.State, k.DeletionDate = key.PendingDeletion, due
		}
		return k
	}
	listed := func(k key.Key, at time.Time) key.Key { k.Listed = at; return k }
	for name, test := range map[string]struct{ from, to, want key.Key }{
		"a primary key that was a replica": {with(replica, early), listed(with(single, late), early), with(single, late)},
		"never due":                        {single, single, key.Key{}},
		"due":                              {single, with(single, early), with(single, early)},
		"due later":                        {with(single, early), with(single, late), with(single, late)},
		"due sooner":                       {with(single, late), with(single, early), with(single, early)},
		"not due any more":                 {with(single, early), single, key.Key{}},
		"a replica due":                    {replica, with(replica, early), with(replica, early)},
		"a replica due later":              {with(replica, early), with(replica, late), with(replica, early)},
		"a replica due as before":          {with(replica, early), with(replica, early), with(replica, early)},
		"a replica due sooner":             {with(replica, late), with(replica, early), with(replica, early)},
		"a replica not due longer":         {with(replica, early), replica, with(replica, early)},
	} {
		s := newStore(t, memory.New())
		var paths []string
		for _, k := range []key.Key{test.from, test.to} {
			k.Policy = "{}"
			if err := s.Update(t.Context(), func(tx *store.Tx) error { _, err := PutKeys(tx, k); return err }); err != nil {
				t.Fatal(err)
			}
		}
		readListed := func() (paths []string, k key.Key) {
			err := s.View(t.Context(), func(v *store.View) error {
				all, err := Dues.Scan(v, "", "", 10)
				for _, r := range all {
					paths = append(paths, r.Path)
				}
				found, _, keyErr := Keys.Get(v, PathOf(test.to))
				k = found
				return errors.Join(err, keyErr)
			})
			if err != nil {
				t.Fatal(err)
			}
			return paths, k
		}
		var want []string
		if !test.want.DeletionDate.IsZero() {
			want = []string{DuePath(test.want.DeletionDate, PathOf(test.to))}
		}
		paths, k := readListed()
		if !slices.Equal(paths, want) {
			t.Errorf("%s: listed at %v, want %v", name, paths, want)
		}
		if err := s.Update(t.Context(), func(tx *store.Tx) error { return ListDue(tx, k) }); err != nil {
			t.Fatal(err)
		}
		want = nil
		if due := test.to.DeletionDate; !due.IsZero() {
			want = []string{DuePath(due, PathOf(test.to))}
		}
		if paths, k = readListed(); !slices.Equal(paths, want) || !k.Listed.IsZero() {
			t.Errorf("%s: moved to %v (%v), want %v", name, paths, k.Listed, want)
		}
	}
}

// The paths of records are as in docs/formats.md.
func TestPathsOfRecords(t *testing.T) {
	g := key.Grant{ID: "g", Account: "a", Region: "r", KeyID: "k", Grantee: "arn:x/y/z", Retiring: "arn:u/v"}
	alias := key.Alias{Account: "a", Region: "r", KeyID: "k", Name: "alias/n/m"}
	entry := GrantOfRetirerPath(g)[len(UnderRetirer("r", g.Retiring)):]
	got := []string{
		KeyPathOfGrant(g), GrantPath(g), GrantOfGranteePath(g), GrantOfRetirerPath(g), RetirableGrantPath("r", entry), GrantShapesPath(g),
		AliasPath("a", "r", alias.Name), AliasOfKeyPath(alias), OutboxPath("node", "event"), NamedPath("a", "Bob"), ProviderPath("a", "h/p"),
		FamilyPath(key.Key{Account: "a", ID: "mrk-1"}),
	}
	want := []string{
		"a/r/k", "a/r/k/g", "a/r/k/arn:x|y|z/g", "r/arn:u|v/a/k/g", "a/r/k/g", "a/r/k/arn:x|y|z",
		"a/r/n/m", "a/r/k/n/m", "node/event", "a/bob", "a/h/p",
		"a/mrk-1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	for arn, want := range map[string]string{
		"arn:aws:iam::111122223333:policy/p/Use": "111122223333/use", "arn:aws:iam::111122223333:user/p/Use": "", "use": "",
	} {
		if path, ok := PolicyPath(arn); ok != (want != "") || ok && path != want {
			t.Errorf("%s: %q, %v", arn, path, ok)
		}
	}
}

// A program opens records of its own format and of older formats.
func TestFormatsThatAreKnown(t *testing.T) {
	for f, known := range map[Format]bool{
		{Format: 1}: true, {Format: NewestFormat}: true, {Format: 1, To: NewestFormat}: true,
		{Format: NewestFormat + 1}: false, {Format: NewestFormat, To: NewestFormat + 1}: false, {Format: NewestFormat + 1, To: 1}: false,
	} {
		if err := f.Check(); errors.Is(err, ErrNewerFormat) == known || (err == nil) != known {
			t.Errorf("%+v: %v", f, err)
		}
	}
	s := newStore(t, memory.New())
	read := func() (f Format, err error) {
		err = s.View(t.Context(), func(v *store.View) error { f, err = ReadFormat(v); return err })
		return f, err
	}
	if f, err := read(); err != nil || f != (Format{Format: 1}) {
		t.Errorf("without a record: %+v, %v", f, err)
	}
	want := Format{Format: 2, To: 3, After: "x"}
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return Formats.Put(tx, FormatPath, want) }); err != nil {
		t.Fatal(err)
	}
	if f, err := read(); err != nil || !reflect.DeepEqual(f, want) {
		t.Errorf("%+v, %v", f, err)
	}
}
