package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// corrupt reports whether err is a CorruptError that names path and does not contain the content of the record.
func corrupt(err error, path string) bool {
	c, ok := errors.AsType[*store.CorruptError](err)
	return ok && c.Path == path && strings.Contains(err.Error(), path) && !strings.Contains(err.Error(), "secret")
}

func TestRecordsAreSealedToTheirPath(t *testing.T) {
	s, db := newStore(t)
	put(t, s, "ann", "bob")
	sealed := readItem(t, db, "people/ann").Value
	if bytes.Contains(sealed, []byte("ann")) {
		t.Fatal("stored without encryption")
	}
	plant(t, db, "people/eve", sealed)
	plant(t, db, "others/ann", sealed)
	flipped := bytes.Clone(readItem(t, db, "people/bob").Value)
	flipped[len(flipped)/2] ^= 1
	plant(t, db, "people/bob", flipped)
	plant(t, db, "people/nil", []byte{})

	others := store.Table[person]{Prefix: "others", Codec: store.JSON[person]()}
	err := s.View(t.Context(), func(v *store.View) error {
		if got, ok := name(t, v, "ann"); !ok || got != "ann" {
			t.Errorf("ann is %q, %v", got, ok)
		}
		for _, test := range []struct {
			table store.Table[person]
			path  string
		}{{people(), "eve"}, {people(), "bob"}, {people(), "nil"}, {others, "ann"}} {
			p, ok, err := test.table.Get(v, test.path)
			full := test.table.Prefix + "/" + test.path
			if ok || p != (person{}) || !corrupt(err, full) {
				t.Errorf("%s: %+v, %v, %v", full, p, ok, err)
			}
			if records, err := test.table.Scan(v, test.path, "", 10); records != nil || !corrupt(err, full) {
				t.Errorf("scan of %s: %+v, %v", full, records, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A corrupt record can be deleted, and the deletion is checked for conflicts like any other.
func TestCorruptRecordInUpdate(t *testing.T) {
	s, db := newStore(t)
	plant(t, db, "people/ann", []byte("rubbish"))
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		if _, _, err := people().Get(tx, "ann"); !corrupt(err, "people/ann") {
			t.Errorf("got %v", err)
		}
		return people().Delete(tx, "ann")
	})
	if item := readItem(t, db, "people/ann"); err != nil || item.Rev != 0 {
		t.Errorf("%v, %+v", err, item)
	}
}

func TestDecodeIsStrict(t *testing.T) {
	s, db := newStore(t)
	for _, plain := range []string{
		`{"name":"secret","city":"x"}`,
		`{"name":"secret","name":"x"}`,
		`{"Name":"secret"}`,
		`{"name":"secret`,
		`{"name":{"secret":1}}`,
		`{"age":"secret"}`,
		"{\"name\":\"secret\xff\"}",
		`{"name":"secret"} {}`,
		``,
	} {
		sealed, err := newAEAD(t).Seal([]byte("people/ann"), []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		plant(t, db, "people/ann", sealed)
		err = s.View(t.Context(), func(v *store.View) error {
			p, ok, err := people().Get(v, "ann")
			if ok || p != (person{}) {
				t.Errorf("%s: believed %+v", plain, p)
			}
			return err
		})
		if !corrupt(err, "people/ann") {
			t.Errorf("%s: %v", plain, err)
		}
	}
}

func TestUnknownMemberIsNamed(t *testing.T) {
	_, err := store.JSON[person]().Decode([]byte(`{"name":"secret","city":"x"}`))
	if err == nil || !strings.Contains(err.Error(), `"/city"`) || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got %v", err)
	}
}

func TestScan(t *testing.T) {
	s, _ := newStore(t)
	put(t, s, "1/a", "1/b", "1/c", "10/a", "2/a", "1\xff/a", "1")
	for _, test := range []struct {
		under, after string
		limit        int
		want         string
	}{
		{"", "", 100, `1 1/a 1/b 1/c 10/a 1\xff/a 2/a`},
		{"1/", "", 100, `1/a 1/b 1/c`},
		{"1/", "", 2, `1/a 1/b`},
		{"1/", "1/b", 2, `1/c`},
		{"1/", "1/aa", 1, `1/b`},
		{"1/", "1/c", 100, ``},
		{"1/", "1", 100, `1/a 1/b 1/c`},
		{"1/", "2/a", 100, ``},
		{"2", "1/b", 100, `2/a`},
		{"1\xff", "", 100, `1\xff/a`},
		{"3", "", 100, ``},
		{"", "", 0, ``},
	} {
		err := s.View(t.Context(), func(v *store.View) error {
			records, err := people().Scan(v, test.under, test.after, test.limit)
			var paths []string
			for _, r := range records {
				if r.Value.Name != strings.ToValidUTF8(r.Path, "?") {
					t.Errorf("%q holds %q", r.Path, r.Value.Name)
				}
				paths = append(paths, strings.Trim(fmt.Sprintf("%q", r.Path), `"`))
			}
			if got := strings.Join(paths, " "); got != test.want {
				t.Errorf("Scan(%q, %q, %d) = %s, want %s", test.under, test.after, test.limit, got, test.want)
			}
			return err
		})
		if err != nil {
			t.Errorf("Scan(%q, %q, %d): %v", test.under, test.after, test.limit, err)
		}
	}
}

// Tables with adjacent prefixes do not see each other's records.
func TestTablesAreApart(t *testing.T) {
	s, _ := newStore(t)
	prefixes := []string{"key", "keys", "keys2", "keys-", "keys.", "keys0", "keys\xff", "keyz", "keys\x00"}
	table := func(prefix string) store.Table[person] {
		return store.Table[person]{Prefix: prefix, Codec: store.JSON[person]()}
	}
	err := s.Update(t.Context(), func(tx *store.Tx) (err error) {
		for i, prefix := range prefixes {
			err = errors.Join(err, table(prefix).Put(tx, "s", person{Age: i}), table(prefix).Put(tx, "\xff/s", person{Age: i}))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(v *store.View) (err error) {
		for i, prefix := range prefixes {
			for after, want := range map[string]int{"": 2, "s": 1, "\xff/s": 0} {
				records, err := table(prefix).Scan(v, "", after, 100)
				if err != nil || len(records) != want {
					t.Errorf("%q after %q: %d records, %v", prefix, after, len(records), err)
				}
				for _, r := range records {
					if r.Value.Age != i {
						t.Errorf("%q sees a record of %q", prefix, prefixes[r.Value.Age])
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTableRefuses(t *testing.T) {
	s, _ := newStore(t)
	long := strings.Repeat("x", store.MaxKey-len("people/"))
	for _, test := range []struct {
		prefix, path string
		want         error
	}{
		{"people", long, nil},
		{"people", long + "x", store.ErrInvalid},
		{"people", "", store.ErrInvalid},
		{"", "ann", store.ErrInvalid},
		{"peo/ple", "ann", store.ErrInvalid},
	} {
		table := store.Table[person]{Prefix: test.prefix, Codec: store.JSON[person]()}
		var errs [3]error
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			_, _, errs[0] = table.Get(tx, test.path)
			errs[1] = table.Put(tx, test.path, person{})
			errs[2] = table.Delete(tx, test.path)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		for i, err := range errs {
			if !errors.Is(err, test.want) {
				t.Errorf("prefix %q, path of %d bytes, call %d: %v", test.prefix, len(test.path), i, err)
			}
		}
	}
	err := s.View(t.Context(), func(v *store.View) error {
		_, err := store.Table[person]{Prefix: "peo/ple", Codec: store.JSON[person]()}.Scan(v, "", "", 1)
		return err
	})
	if !errors.Is(err, store.ErrInvalid) {
		t.Errorf("scan: %v", err)
	}
}

// lines is a Codec of a list of lines. It encodes an empty list as no bytes, and returns a partial value with
// an error.
type lines struct{}

func (lines) Encode(v []string) ([]byte, error) {
	var out []byte
	for _, line := range v {
		out = append(append(out, line...), '\n')
	}
	return out, nil
}

func (lines) Decode(data []byte) ([]string, error) {
	if len(data) == 0 {
		return nil, nil
	}
	v := strings.Split(string(data), "\n")
	if end := len(v) - 1; v[end] == "" {
		return v[:end], nil
	}
	return v, errors.New("no end of line")
}

func TestCodecOfOthers(t *testing.T) {
	s, db := newStore(t)
	table := store.Table[[]string]{Prefix: "lines", Codec: lines{}}
	check := func(from store.Getter, path, want string) {
		t.Helper()
		if v, ok, err := table.Get(from, path); !ok || err != nil || fmt.Sprint(v) != want {
			t.Errorf("%s: %v, %v, %v; want %s", path, v, ok, err, want)
		}
	}
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		err := errors.Join(table.Put(tx, "none", nil), table.Put(tx, "two", []string{"a", "b"}))
		check(tx, "none", "[]")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	half, err := newAEAD(t).Seal([]byte("lines/half"), []byte("a\nb"))
	if err != nil {
		t.Fatal(err)
	}
	plant(t, db, "lines/half", half)
	err = s.View(t.Context(), func(v *store.View) error {
		check(v, "none", "[]")
		check(v, "two", "[a b]")
		v2, ok, err := table.Get(v, "half")
		if v2 != nil || ok || !corrupt(err, "lines/half") {
			t.Errorf("half: %v, %v, %v", v2, ok, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEqualValuesHaveEqualBytes(t *testing.T) {
	codec := store.JSON[map[string]int]()
	v := map[string]int{}
	for i := range 50 {
		v[fmt.Sprint(i)] = i
	}
	first, err := codec.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if again, err := codec.Encode(v); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("%s, then %s (%v)", first, again, err)
		}
	}
}

func TestPutThatDoesNotEncode(t *testing.T) {
	s, _ := newStore(t)
	table := store.Table[chan int]{Prefix: "channels", Codec: store.JSON[chan int]()}
	err := s.Update(t.Context(), func(tx *store.Tx) error { return table.Put(tx, "a", nil) })
	if err == nil || !strings.Contains(err.Error(), "channels/a") {
		t.Errorf("got %v", err)
	}
}

// For reads in a View that a guard covers, a commit checks the guard alone.
func TestCovered(t *testing.T) {
	s, _ := newStore(t)
	put(t, s, "guard", "member")
	for _, c := range []struct {
		changed  string
		conflict bool
	}{{"member", false}, {"guard", true}} {
		runs := 0
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			v, err := people().Covered(tx, "guard")
			if err != nil {
				return err
			}
			if got, _ := name(t, v, "member"); got != "member" {
				t.Errorf("the member is %q", got)
			}
			if err := people().Put(tx, "member", person{Name: "another"}); err != nil {
				return err
			}
			if got, _ := name(t, v, "member"); got != "member" {
				t.Errorf("the View shows %q, which the transaction wrote", got)
			}
			if runs++; runs == 1 {
				put(t, s, c.changed)
			}
			return people().Put(tx, "other", person{})
		})
		if err != nil || (runs == 2) != c.conflict {
			t.Errorf("after a change of the %s: %d runs, %v", c.changed, runs, err)
		}
		put(t, s, "member")
	}
	err := s.View(t.Context(), func(v *store.View) error {
		same, err := people().Covered(v, "guard")
		if same != v {
			t.Error("a View is beneath itself")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := people().Covered(nil, ""); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("an empty path: %v", err)
	}
}

// ScanKept returns the same as Scan, opens each record once until it is written again, and sees the writes.
func TestScanKept(t *testing.T) {
	_, db := newObserved(t)
	opened := &countingSealer{Sealer: newAEAD(t)}
	s := store.New(db, opened)
	for i, name := range []string{"a/1", "a/2", "a/3", "b/1"} {
		setAge(t, s, name, i)
	}
	scan := func() (ages []int, opens int) {
		t.Helper()
		before := opened.opens
		err := s.View(t.Context(), func(v *store.View) error {
			all, err := people().ScanKept(v, "a/", "", 10)
			for _, r := range all {
				ages = append(ages, r.Value.Age)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return ages, opened.opens - before
	}
	for _, step := range []struct {
		name  string
		do    func()
		ages  string
		opens int
	}{
		{"first", func() {}, "[0 1 2]", 3},
		{"again", func() {}, "[0 1 2]", 0},
		{"one was changed", func() { setAge(t, s, "a/2", 9) }, "[0 9 2]", 1},
		{"one was read alone", func() { setAge(t, s, "a/2", 8); age(t, s, "a/2") }, "[0 8 2]", 0},
		{"one was removed", func() { setAge(t, s, "a/1", -1) }, "[8 2]", 0},
		{"one was made again", func() { setAge(t, s, "a/1", 5) }, "[5 8 2]", 1},
	} {
		step.do()
		if ages, opens := scan(); fmt.Sprint(ages) != step.ages || opens != step.opens {
			t.Errorf("%s: %v with %d records opened, want %s with %d", step.name, ages, opens, step.ages, step.opens)
		}
	}
}

// In an older View, ScanKept returns the older records and does not keep them.
func TestScanKeptInAnOlderView(t *testing.T) {
	s, _ := newStore(t)
	setAge(t, s, "a/1", 1)
	scan := func(v *store.View) int {
		all, err := people().ScanKept(v, "a/", "", 10)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		return all[0].Value.Age
	}
	err := s.View(t.Context(), func(v *store.View) error {
		done := make(chan bool)
		go func() {
			defer close(done)
			setAge(t, s, "a/1", 2)
			s.View(context.Background(), func(v *store.View) error { scan(v); return nil })
		}()
		<-done
		if got := scan(v); got != 1 {
			t.Errorf("the older View shows %d", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := age(t, s, "a/1"); got != 2 {
		t.Errorf("%d is kept, which is older than the acknowledged record", got)
	}
}

type countingSealer struct {
	store.Sealer
	opens int
}

func (s *countingSealer) Open(path, sealed []byte) ([]byte, error) {
	s.opens++
	return s.Sealer.Open(path, sealed)
}
