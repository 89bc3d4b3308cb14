package records

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
)

const format2 = `{"id":"k","account":"111122223333","region":"eu-west-2","spec":"SYMMETRIC_DEFAULT","usage":"ENCRYPT_DECRYPT",
"origin":"EXTERNAL","state":"Enabled","creationDate":"2026-11-30T00:00:00Z","description":"d","policy":"{}",
"tags":[{"key":"a","value":"b"}],"materials":[{"id":"m","description":"first","sealed":"eA==","slot":"1-1"}],
"pending":{"id":"n","description":"next"},"multiRegion":{"primary":"eu-west-2"}}`

var ofFormat2 = key.Key{
	ID: "k", Account: "111122223333", Region: "eu-west-2", Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt,
	Origin: key.OriginExternal, State: key.Enabled, CreationDate: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC),
	Materials:   []key.Material{{ID: "m", Description: "first", Sealed: []byte("x"), Slot: "1-1"}},
	Pending:     &key.Material{ID: "n", Description: "next"},
	MultiRegion: key.MultiRegion{Primary: "eu-west-2"},
	Description: "d", Policy: "{}", Tags: []key.Tag{{Key: "a", Value: "b"}},
}

// A key of format 2 is decoded with its text. A key of the newest format is decoded without, and gets it from the
// record of its text.
func TestKeysOfFormat2(t *testing.T) {
	k, err := Keys.Codec.Decode([]byte(format2))
	if err != nil || !reflect.DeepEqual(k, ofFormat2) {
		t.Fatalf("%+v, %v", k, err)
	}
	newest, err := Keys.Codec.Encode(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"policy", "description", "first", "next", "tags"} {
		if strings.Contains(string(newest), text) {
			t.Errorf("the record of the key contains %q: %s", text, newest)
		}
	}
	bare, err := Keys.Codec.Decode(newest)
	if err != nil || bare.Policy != "" {
		t.Fatalf("%+v, %v", bare, err)
	}
	if whole := bare.WithText(k.Text()); !reflect.DeepEqual(whole, k) {
		t.Errorf("%+v, not %+v", whole, k)
	}
	if bare.Materials[0].Description != "" || bare.Pending.Description != "" {
		t.Error("WithText changed the key that it was called on")
	}
}

func TestUnknownMembersOfKeysAreRefused(t *testing.T) {
	for _, text := range []string{
		strings.Replace(format2, `"id":"k"`, `"id":"k","newer":1`, 1),
		strings.Replace(format2, `"id":"m"`, `"id":"m","newer":1`, 1),
		strings.Replace(format2, `"policy":"{}",`, "", 1), // of no format
		`{"id":"k","newer":1}`,
	} {
		if k, err := Keys.Codec.Decode([]byte(text)); err == nil {
			t.Errorf("%s is decoded as %+v", text, k)
		}
	}
}
