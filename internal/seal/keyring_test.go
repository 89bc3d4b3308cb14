package seal

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
)

func newKeyring(t *testing.T) *Keyring {
	t.Helper()
	r, _, err := NewKeyring(t.Context(), NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustSeal(t *testing.T, s Sealer, place, value string) []byte {
	t.Helper()
	sealed, err := s.Seal([]byte(place), []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func wantOpen(t *testing.T, s Sealer, place string, sealed []byte, value string) {
	t.Helper()
	if got, err := s.Open([]byte(place), sealed); err != nil || string(got) != value {
		t.Errorf("opened %q, %v, want %q", got, err, value)
	}
}

func wantClosed(t *testing.T, what string, s Sealer, place string, sealed []byte) {
	t.Helper()
	if value, err := s.Open([]byte(place), sealed); value != nil || !errors.Is(err, ErrOpen) {
		t.Errorf("%s: %q, %v", what, value, err)
	}
}

func TestSeal(t *testing.T) {
	r := newKeyring(t)
	for _, s := range []Sealer{r.Records(), r.Materials()} {
		for _, value := range []string{"", "x", "a secret value", strings.Repeat("long ", 20000)} {
			for _, place := range []string{"", "keys/1", strings.Repeat("p", 1000)} {
				sealed := mustSeal(t, s, place, value)
				wantOpen(t, s, place, sealed, value)
				if len(sealed) != 1+4+16+12+len(value)+16 || len(value) > 1 && bytes.Contains(sealed, []byte(value)) {
					t.Errorf("%d bytes are sealed in %d", len(value), len(sealed))
				}
			}
		}
	}
}

// A sealed value opens only at its place and with the Sealer of its purpose.
func TestSealedValuesAreBound(t *testing.T) {
	r, other := newKeyring(t), newKeyring(t)
	record, material := mustSeal(t, r.Records(), "keys/1", "value"), mustSeal(t, r.Materials(), "keys/1", "value")
	for _, place := range []string{"", "keys/2", "keys/", "keys/1/", "keys/11", "Keys/1", "/keys/1", "eys/1", "keys/1\x00"} {
		wantClosed(t, "at "+place, r.Records(), place, record)
		wantClosed(t, "at "+place, r.Materials(), place, material)
	}
	wantClosed(t, "a record as material", r.Materials(), "keys/1", record)
	wantClosed(t, "material as a record", r.Records(), "keys/1", material)
	wantClosed(t, "with another keyring", other.Records(), "keys/1", record)
	wantClosed(t, "with another keyring", other.Materials(), "keys/1", material)
	// The bytes at the end of the header and the start of the place are not interchangeable.
	wantClosed(t, "with a shifted boundary", r.Records(), "1keys/1", record)
}

// A value sealed under a second secret opens only with that secret. The keyring alone is not enough, so
// destroying the secret destroys the value.
func TestSealedUnderASecondSecret(t *testing.T) {
	r := newKeyring(t)
	secret := bytes.Repeat([]byte{7}, 32)
	for _, s := range []Sealer{r.Materials(), r.TokenKeys()} {
		sealed := mustSeal(t, s.Under(secret), "keys/1", "value")
		wantOpen(t, s.Under(bytes.Clone(secret)), "keys/1", sealed, "value")
		wantClosed(t, "without the secret", s, "keys/1", sealed)
		wantClosed(t, "under an erased secret", s.Under(make([]byte, 32)), "keys/1", sealed)
		for bit := range 8 * len(secret) {
			other := bytes.Clone(secret)
			other[bit/8] ^= 1 << (bit % 8)
			wantClosed(t, fmt.Sprintf("with bit %d of the secret flipped", bit), s.Under(other), "keys/1", sealed)
		}
		wantClosed(t, "a value without a second secret, with one", s.Under(secret), "keys/1", mustSeal(t, s, "keys/1", "value"))
	}
}

func TestDamagedValues(t *testing.T) {
	r := newKeyring(t)
	for name, s := range map[string]Sealer{"record": r.Records(), "material": r.Materials()} {
		sealed := mustSeal(t, s, "keys/1", "value")
		for bit := range 8 * len(sealed) {
			damaged := bytes.Clone(sealed)
			damaged[bit/8] ^= 1 << (bit % 8)
			wantClosed(t, fmt.Sprintf("%s, bit %d", name, bit), s, "keys/1", damaged)
		}
		for n := range sealed {
			wantClosed(t, "truncated "+name, s, "keys/1", sealed[:n])
			wantClosed(t, name+" without its beginning", s, "keys/1", sealed[n+1:])
		}
		wantClosed(t, "nil", s, "keys/1", nil)
		wantClosed(t, name+" with a byte more", s, "keys/1", append(bytes.Clone(sealed), 0))
		wantOpen(t, s, "keys/1", sealed, "value")
	}
}

func TestSealIsRandomised(t *testing.T) {
	s := newKeyring(t).Records()
	a, b := mustSeal(t, s, "place", "a secret value"), mustSeal(t, s, "place", "a secret value")
	for name, part := range map[string][2]int{"salt": {5, 21}, "nonce": {21, 33}, "ciphertext": {33, 47}, "tag": {47, 63}} {
		if bytes.Equal(a[part[0]:part[1]], b[part[0]:part[1]]) {
			t.Errorf("two sealed values have the same %s", name)
		}
	}
}

func TestSealLeavesItsArguments(t *testing.T) {
	s := newKeyring(t).Records()
	place, value := []byte("place and the bytes after it"), []byte("value and the bytes after it")
	sealed, err := s.Seal(place[:5], value[:5])
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(sealed)
	wantOpen(t, s, "place", sealed, "value")
	if string(place) != "place and the bytes after it" || string(value) != "value and the bytes after it" || !bytes.Equal(sealed, before) {
		t.Errorf("now %q and %q", place, value)
	}
}

func TestOpenKeyring(t *testing.T) {
	root := NewEphemeralRoot()
	r, kept, err := NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKeyring(t.Context(), root, kept)
	if err != nil {
		t.Fatal(err)
	}
	wantOpen(t, again.Records(), "place", mustSeal(t, r.Records(), "place", "old"), "old")
	wantOpen(t, r.Materials(), "place", mustSeal(t, again.Materials(), "place", "new"), "new")
	if bytes.Contains(kept, r.held.Load().keys[1]) || len(r.held.Load().keys[1]) != 32 {
		t.Error("the data key is stored unencrypted")
	}
	if _, err := OpenKeyring(t.Context(), NewEphemeralRoot(), kept); !errors.Is(err, ErrWrongRoot) {
		t.Errorf("with another root: %v", err)
	}
}

// wrap returns the wrapped form of data keys. Each pair is the version that the form names and the version that
// was wrapped.
func wrap(t *testing.T, root Root, versions ...[2]uint32) []byte {
	t.Helper()
	w := stored{Format: 1}
	for _, v := range versions {
		k, err := root.Wrap(t.Context(), bytes.Repeat([]byte{byte(v[1])}, 32), dataKeyContext(v[1]))
		if err != nil {
			t.Fatal(err)
		}
		w.Keys = append(w.Keys, storedKey{Version: v[0], Wrapped: k})
	}
	kept, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// Values are sealed under the newest data key and open under the one that they name, regardless of its place in
// the list.
func TestKeyringOfSeveralDataKeys(t *testing.T) {
	root := NewEphemeralRoot()
	open := func(kept []byte) *Keyring {
		r, err := OpenKeyring(t.Context(), root, kept)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := open(wrap(t, root, [2]uint32{1, 1}))
	both := open(wrap(t, root, [2]uint32{2, 2}, [2]uint32{1, 1}))
	second := open(wrap(t, root, [2]uint32{2, 2}))

	old, fresh := mustSeal(t, first.Records(), "place", "old"), mustSeal(t, both.Records(), "place", "fresh")
	wantOpen(t, both.Records(), "place", old, "old")
	wantOpen(t, both.Records(), "place", fresh, "fresh")
	wantOpen(t, second.Records(), "place", fresh, "fresh")
	wantClosed(t, "sealed under a data key that is gone", second.Records(), "place", old)
	wantClosed(t, "sealed under a data key to come", first.Records(), "place", fresh)

	// A data key stored under another version does not open.
	if _, err := OpenKeyring(t.Context(), root, wrap(t, root, [2]uint32{1, 2}, [2]uint32{2, 1})); !errors.Is(err, ErrWrongRoot) {
		t.Errorf("with swapped data keys: %v", err)
	}
}

func TestOpenKeyringRefuses(t *testing.T) {
	root := NewEphemeralRoot()
	good := string(wrap(t, root, [2]uint32{1, 1}))
	but := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("a wrapped keyring has no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	wrapped := good[strings.Index(good, `"wrapped":"`)+len(`"wrapped":"`) : strings.LastIndex(good, `"`)]
	const read, format = "read the keyring", "use the version of the program that wrote it"
	for _, test := range []struct{ name, kept, want string }{
		{"nothing", "", read},
		{"no JSON", "keyring", read},
		{"truncated", good[:len(good)-1], read},
		{"two keyrings", good + good, read},
		{"a list", "[" + good + "]", read},
		{"a member twice", but(`"format":1`, `"format":1,"format":1`), read},
		{"no base64", but(wrapped, "*"+wrapped[1:]), read},
		{"null", "null", format},
		{"format 0", but(`"format":1`, `"format":0`), format},
		{"format 2", but(`"format":1`, `"format":2`), read},
		{"format 3", but(`"format":1`, `"format":3`), read},
		{"format 4", but(`"format":1`, `"format":4`), format},
		{"no format", but(`"format":1,`, ""), format},
		{"another case", but(`"format"`, `"Format"`), format},
		{"no keys", `{"format":1,"keys":[]}`, read},
		{"another version", but(`"version":1`, `"version":2`), ErrWrongRoot.Error()},
		{"an empty key", but(wrapped, ""), ErrWrongRoot.Error()},
		{"a short key", but(wrapped, "AAAA"), ErrWrongRoot.Error()},
	} {
		r, err := OpenKeyring(t.Context(), root, []byte(test.kept))
		if r != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// A brokenRoot is a Root that returns an error.
type brokenRoot struct{ err error }

func (r brokenRoot) ID() string                                             { return "broken" }
func (r brokenRoot) Wrap(context.Context, []byte, string) ([]byte, error)   { return nil, r.err }
func (r brokenRoot) Unwrap(context.Context, []byte, string) ([]byte, error) { return nil, r.err }

// An error of the root is not reported as ErrWrongRoot.
func TestKeyringOfBrokenRoot(t *testing.T) {
	broken := errors.New("no answer")
	if r, kept, err := NewKeyring(t.Context(), brokenRoot{broken}); r != nil || kept != nil || !errors.Is(err, broken) {
		t.Errorf("new: %v", err)
	}
	kept := wrap(t, NewEphemeralRoot(), [2]uint32{1, 1})
	if r, err := OpenKeyring(t.Context(), brokenRoot{broken}, kept); r != nil || !errors.Is(err, broken) || errors.Is(err, ErrWrongRoot) {
		t.Errorf("open: %v", err)
	}
}

// golden returns the lines of testdata/golden.txt by name.
func golden(t *testing.T) map[string]string {
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		lines[name] = value
	}
	return lines
}

// The root key file, keyring and sealed values made by testdata/golden.py must always open. A change that makes
// this test fail makes every store unreadable.
func TestGolden(t *testing.T) {
	lines := golden(t)
	key, err := base64.StdEncoding.DecodeString(lines["root key file"][len("keyhold-root-key-v1:"):])
	if err != nil {
		t.Fatal(err)
	}
	root := NewRoot("key-file", key)
	r, err := OpenKeyring(t.Context(), root, []byte(lines["keyring"]))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Sealer{"record": r.Records(), "material": r.Materials()} {
		for _, version := range []string{"1", "2"} {
			var sealed []byte
			if err := json.Unmarshal([]byte(`"`+lines[name+" "+version]+`"`), &sealed); err != nil {
				t.Fatal(err)
			}
			wantOpen(t, s, "place", sealed, name+" "+version)
		}
	}
}

// Concurrent use of a keyring, for the race detector.
func TestConcurrentSealing(t *testing.T) {
	r := newKeyring(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 100 {
				place := fmt.Sprint(i, "/", j)
				for _, s := range []Sealer{r.Records(), r.Materials()} {
					sealed, err := s.Seal([]byte(place), []byte(place))
					if err != nil {
						t.Error(err)
						return
					}
					wantOpen(t, s, place, sealed, place)
				}
			}
		})
	}
	wg.Wait()
}

// Values that are sealed together have one salt, and each has a nonce of its own and opens only at its place. Others
// have another salt.
func TestSealAll(t *testing.T) {
	s := newKeyring(t).Records()
	places := [][]byte{[]byte("one"), []byte("two"), []byte("three")}
	values := [][]byte{[]byte("a value"), []byte("a value"), {}}
	sealed, err := s.SealAll(places, values)
	if err != nil || len(sealed) != len(places) {
		t.Fatal(len(sealed), err)
	}
	nonces := map[string]bool{}
	for i, v := range sealed {
		wantOpen(t, s, string(places[i]), v, string(values[i]))
		wantClosed(t, "at the place of another value", s, string(places[(i+1)%len(places)]), v)
		if !bytes.Equal(v[:headerSize], sealed[0][:headerSize]) {
			t.Error("values that are sealed together have different headers")
		}
		nonces[string(v[headerSize:headerSize+nonceSize])] = true
	}
	if len(nonces) != len(sealed) {
		t.Errorf("%d values have %d nonces", len(sealed), len(nonces))
	}
	again, err := s.SealAll(places, values)
	if err != nil || bytes.Equal(again[0][:headerSize], sealed[0][:headerSize]) {
		t.Errorf("two calls have one salt, %v", err)
	}
}
