package shares

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"

	"github.com/keyhold/keyhold/internal/secrettest"
)

var label = Label{
	Kind: KindRecovery, Of: "account 111122223333", Form: "MLKEM768-P256", ID: "recovery:0011223344556677",
	Made: time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC),
}

// secretOf returns a secret of a size that is different in each byte.
func secretOf(size int) []byte {
	secret := make([]byte, size)
	for i := range secret {
		secret[i] = byte(i*7 + 1)
	}
	return secret
}

func splitOf(t *testing.T, threshold, count int) []*Share {
	t.Helper()
	all, err := Split(label, secretOf(32), threshold, count)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// givenOf returns shares in order, like shares from files.
func givenOf(all []*Share, indexes ...int) (given []Given) {
	for _, i := range indexes {
		given = append(given, Given{all[i-1], fmt.Sprintf("file-%d", i)})
	}
	return given
}

// Each set of as many shares as the threshold brings the secret back, and none with fewer.
func TestEachSubset(t *testing.T) {
	for _, test := range []struct{ threshold, count int }{{1, 1}, {1, 3}, {2, 2}, {2, 3}, {3, 5}, {5, 5}, {4, 6}} {
		all := splitOf(t, test.threshold, test.count)
		for subset := range 1 << test.count {
			var indexes []int
			for i := range test.count {
				if subset>>i&1 == 1 {
					indexes = append(indexes, i+1)
				}
			}
			got, err := Join(givenOf(all, indexes...))
			if len(indexes) < test.threshold {
				if got != nil || !errors.Is(err, ErrTooFew) {
					t.Errorf("%+v, %v: %x, %v", test, indexes, got, err)
				}
			} else if !bytes.Equal(got, secretOf(32)) || err != nil {
				t.Errorf("%+v, %v: %x, %v", test, indexes, got, err)
			}
		}
	}
}

func TestLargestSet(t *testing.T) {
	all, err := Split(label, secretOf(maxSecret), MaxShares, MaxShares)
	if err != nil {
		t.Fatal(err)
	}
	var given []Given
	for _, s := range all {
		text := s.Encode()
		if len(text) > MaxText {
			t.Fatalf("a share has %d bytes", len(text))
		}
		read, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		given = append(given, Given{read, "file"})
	}
	if got, err := Join(given); !bytes.Equal(got, secretOf(maxSecret)) || err != nil {
		t.Error(err)
	}
}

func TestSplitRefuses(t *testing.T) {
	with := func(change func(*Label)) Label {
		l := label
		change(&l)
		return l
	}
	for name, test := range map[string]struct {
		label            Label
		size             int
		threshold, count int
		want             string
	}{
		"no threshold":      {label, 32, 0, 3, "cannot have the threshold 0"},
		"a large threshold": {label, 32, 4, 3, "cannot have the threshold 4: give 1 to 3"},
		"many shares":       {label, 32, 2, 33, "at most 32 shares, not 33"},
		"no secret":         {label, 0, 2, 3, "a secret of 0 bytes"},
		"a large secret":    {label, 8193, 2, 3, "a secret of 8193 bytes"},
		"two lines":         {with(func(l *Label) { l.Of = "a\nkind: b" }), 32, 2, 3, "is not a line"},
		"a long line":       {with(func(l *Label) { l.ID = strings.Repeat("a", 513) }), 32, 2, 3, "is not a line"},
		"an empty line":     {with(func(l *Label) { l.Form = "" }), 32, 2, 3, "is not a line"},
		"another alphabet":  {with(func(l *Label) { l.Of = "\u202e" }), 32, 2, 3, "is not a line"},
		"no kind":           {with(func(l *Label) { l.Kind = "other" }), 32, 2, 3, "is not a kind of secret"},
	} {
		if all, err := Split(test.label, make([]byte, test.size), test.threshold, test.count); all != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The numbers are those of FROST(ristretto255, SHA-512), RFC 9591, appendix E.3: a secret that a dealer split 2 of 3.
func TestPublishedVector(t *testing.T) {
	scalar := func(digits string) group.Scalar {
		b, err := hex.DecodeString(digits)
		s := groupOf.NewScalar()
		if err != nil || s.UnmarshalBinary(b) != nil {
			t.Fatal(digits)
		}
		return s
	}
	secret := scalar("1b25a55e463cfd15cf14a5d3acc3d15053f08da49c8afcf3ab265f2ebc4f970b")
	slope := scalar("410f8b744b19325891d73736923525a4f596c805d060dfb9c98009d34e3fec02")
	public, err := hex.DecodeString("e2a62f39eede11269e3bd5a7d97554f5ca384f9f6d3dd9c3c0d05083c7254f57")
	if err != nil {
		t.Fatal(err)
	}
	s := Set{Label: label, Threshold: 2, Count: 3, commitments: []group.Element{groupOf.NewElement(), groupOf.NewElement().MulGen(slope)}}
	if err := s.commitments[0].UnmarshalBinary(public); err != nil {
		t.Fatal(err)
	}
	aead, err := s.aead(secret)
	if err != nil {
		t.Fatal(err)
	}
	s.sealed = aead.Seal(nil, nil, []byte("the secret"), nil)
	var all []*Share
	for i, digits := range []string{
		"5c3430d391552f6e60ecdc093ff9f6f4488756aa6cebdbad75a768010b8f830e",
		"b06fc5eac20b4f6e1b271d9df2343d843e1e1fb03c4cbb673f2872d459ce6f01",
		"f17e505f0e2581c6acfe54d3846a622834b5e7b50cad9a2109a97ba7a80d5c04",
	} {
		share := &Share{Set: s, Index: i + 1, value: scalar(digits)}
		if !share.verify() {
			t.Errorf("share %d does not belong to its commitments", i+1)
		}
		all = append(all, share)
	}
	for _, two := range [][]int{{1, 2}, {1, 3}, {3, 2}} {
		if got, err := Join(givenOf(all, two...)); string(got) != "the secret" || err != nil {
			t.Errorf("%v: %q, %v", two, got, err)
		}
	}
}

// A wrong share is found by its commitments and named. Mixed sets and doubles are refused.
func TestWrongSharesAreNamed(t *testing.T) {
	all, other := splitOf(t, 3, 5), splitOf(t, 3, 5)
	wrong := *all[3]
	wrong.value = groupOf.NewScalar().Add(all[3].value, groupOf.NewScalar().SetUint64(1))
	swapped := *all[3]
	swapped.value = all[4].value
	forged := *all[3] // belongs to commitments of its own
	forged.commitments = slices.Clone(forged.commitments)
	forged.commitments[0] = groupOf.NewElement().Add(forged.commitments[0], groupOf.Generator())
	forged.value = wrong.value
	if !forged.verify() {
		t.Fatal("the forged share does not belong to its commitments")
	}
	for name, test := range map[string]struct {
		given []Given
		want  string
	}{
		"none":              {nil, "too few shares: none was given"},
		"a changed value":   {append(givenOf(all, 1, 2), Given{&wrong, "d"}), "d: share 4 is wrong: its value does not belong to its commitments"},
		"another's value":   {append(givenOf(all, 1, 2), Given{&swapped, "d"}), "d: share 4 is wrong"},
		"a forged share":    {append(givenOf(all, 1, 2), Given{&forged, "d"}), "file-1 and d are shares of different sets"},
		"of another set":    {append(givenOf(all, 1, 2), givenOf(other, 3)...), "file-1 and file-3 are shares of different sets"},
		"twice":             {givenOf(all, 1, 2, 2), "file-2 and file-2 are the same share, 2"},
		"twice, and enough": {givenOf(all, 1, 2, 3, 1), "are the same share, 1"},
		"too few":           {givenOf(all, 5, 1), "too few shares: 2 are given, and 3 are needed"},
	} {
		if got, err := Join(test.given); got != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A set whose label was changed in all shares does not open.
func TestChangedLabel(t *testing.T) {
	for name, change := range map[string]func(*Share){
		"owner":     func(s *Share) { s.Of = "account 999999999999" },
		"kind":      func(s *Share) { s.Kind = KindMaterial },
		"threshold": func(s *Share) { s.Count = 4 },
		"sealed":    func(s *Share) { s.sealed = slices.Concat([]byte{s.sealed[0] ^ 1}, s.sealed[1:]) },
	} {
		all := splitOf(t, 2, 3)
		for _, s := range all {
			change(s)
		}
		if got, err := Join(givenOf(all, 1, 2)); got != nil || err == nil || !strings.Contains(err.Error(), "do not open their secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every text has one meaning: a text that Parse accepts is the text that Encode writes, and no other byte is accepted.
func TestText(t *testing.T) {
	s := splitOf(t, 2, 3)[1]
	text := s.Encode()
	read, err := Parse(text)
	if err != nil || read.Label != s.Label || read.Index != 2 || read.Threshold != 2 || read.Count != 3 {
		t.Fatalf("%+v, %v", read, err)
	}
	if !bytes.Equal(read.Encode(), text) || read.Fingerprint() != s.Fingerprint() || len(s.Fingerprint()) != 32 {
		t.Error("the share changed")
	}
	for i := range text {
		for _, flip := range []byte{1, 0x20, 0x80} {
			damaged := bytes.Clone(text)
			damaged[i] ^= flip
			got, err := Parse(damaged)
			if err == nil && got.Fingerprint() == s.Fingerprint() {
				t.Errorf("byte %d of %q: accepted as the same share", i, damaged)
			}
			if err != nil && strings.Contains(err.Error(), string(text[len(text)-40:len(text)-1])) {
				t.Errorf("the error shows the value: %v", err)
			}
		}
	}
	for n := range text {
		if _, err := Parse(text[:n]); err == nil {
			t.Errorf("the first %d bytes are accepted", n)
		}
	}
	value := string(text[bytes.Index(text, []byte("value: "))+7 : len(text)-1])
	for name, change := range map[string]struct{ old, new, want string }{
		"a byte more":        {value + "\n", value + "\n\n", "not written as a share is"},
		"another order":      {"threshold: 2\nshares: 3\n", "shares: 3\nthreshold: 2\n", `the line "threshold" is missing`},
		"a missing line":     {"form: MLKEM768-P256\n", "", `the line "form" is missing`},
		"a repeated line":    {"share: 2\n", "share: 2\nshare: 2\n", `the line "value" is missing`},
		"carriage returns":   {"\n", "\r\n", "does not begin with"},
		"a mark":             {"keyhold", "\ufeffkeyhold", "does not begin with"},
		"another version":    {"share-v1", "share-v2", "share of another version"},
		"share 0":            {"share: 2", "share: 0", "numbers do not fit together"},
		"share 4":            {"share: 2", "share: 4", "numbers do not fit together"},
		"threshold 3":        {"threshold: 2", "threshold: 3", "numbers do not fit together"},
		"a padded number":    {"share: 2", "share: 02", "not written as a share is"},
		"300 shares":         {"shares: 3", "shares: 300", "is not a number"},
		"a value too large":  {value, "////////////////////////////////////////////", "not a scalar"},
		"a short value":      {value, "AAAA", "not a scalar"},
		"no value":           {value, "", "not a scalar"},
		"another share":      {"share: 2", "share: 1", "share 1 of account 111122223333 is wrong: its value does not belong"},
		"no commitments":     {"commitments: ", "commitments: !", "not an element of the group"},
		"no time":            {"2030-01-31", "2030-02-31", "is not a time"},
		"a time zone":        {"12:00:00Z", "12:00:00+00:00", "not written as a share is"},
		"a time of fraction": {"12:00:00Z", "12:00:00.1Z", "not written as a share is"},
	} {
		if got, err := Parse(bytes.Replace(text, []byte(change.old), []byte(change.new), 1)); got != nil || err == nil || !strings.Contains(err.Error(), change.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse(append(bytes.Clone(text), make([]byte, MaxText)...)); err == nil || !strings.Contains(err.Error(), "more than 16384 bytes") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	all, err := Split(label, secretOf(32), 2, 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(all[0].Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := Parse(text); err == nil && !bytes.Equal(s.Encode(), text) {
			t.Errorf("%q is read as another text", text)
		}
	})
}

// Splitting and joining leave no copy of the secret. They leave no more copies of the scalars than circl does, which
// cannot clear the polynomial.
func TestSecretsAreCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	var secret []byte
	copies := secrettest.Left(t, func(int) {
		secret = make([]byte, 48)
		rand.Read(secret)
		all, err := Split(label, secret, 2, 3)
		if err != nil {
			t.Error(err)
		}
		for _, s := range all {
			s.Clear()
		}
	}, func(int) []byte { return secret })
	if copies != 0 {
		t.Errorf("splitting leaves %d copies of the secret", copies)
	}
	var text []byte
	copies = secrettest.Left(t, func(int) {
		all, err := Split(label, secretOf(48), 2, 3)
		if err != nil {
			t.Error(err)
		}
		encoded := all[1].Encode()
		at := bytes.Index(encoded, []byte("value: "))
		text = bytes.Clone(encoded[at+7:])
		read, err := Parse(encoded)
		if err != nil {
			t.Error(err)
		}
		clear(encoded)
		read.Clear()
	}, func(int) []byte { return text })
	if copies != 0 {
		t.Errorf("writing and reading leave %d copies of the text of a value", copies)
	}
}

// The commitments show whether a share is right before its threshold is known to circl.
func TestVerifyNeedsAsManyCommitments(t *testing.T) {
	all := splitOf(t, 2, 3)
	if secretsharing.Verify(2, all[0].point(), all[0].commitments) {
		t.Error("2 commitments verify a share of the threshold 3")
	}
}
