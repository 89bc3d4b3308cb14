package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

func tags(pairs ...string) (all []types.Tag) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, types.Tag{TagKey: &pairs[i], TagValue: &pairs[i+1]})
	}
	return all
}

// ListResourceTags returns tags byte for byte.
func TestTags(t *testing.T) {
	s := kmstest.Start(t)
	long, snow := strings.Repeat("漢", 128), strings.Repeat("𠮷", 256)
	given := tags("team", "blue", "Team", "", "é", "É ", " x ", "a=b_.:/+-@\u2028", long, snow)
	id := must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Tags: given})).KeyMetadata.KeyId
	want := []string{" x =a=b_.:/+-@\u2028", "Team=", "team=blue", "é=É ", long + "=" + snow}
	if got := tagsOf(t, s, id); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	_, err := s.Client.TagResource(t.Context(), &kms.TagResourceInput{KeyId: aws.String(arnPrefix + "key/" + *id), Tags: tags("team", "red", "new", "1")})
	mustSucceed(t, err, untag(t, s, id, long, "absent", "TEAM"))
	want = []string{" x =a=b_.:/+-@\u2028", "Team=", "new=1", "team=red", "é=É "}
	if got := tagsOf(t, s, id); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	mustSucceed(t, untag(t, s, id, " x ", "Team", "new", "team", "é"))
	if got := tagsOf(t, s, id); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

func TestTagRefusals(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	var full []types.Tag
	for i := range 49 {
		full = append(full, tags(fmt.Sprintf("key%02d", i), "x")...)
	}
	put := func(tags []types.Tag) error {
		_, err := s.Client.TagResource(t.Context(), &kms.TagResourceInput{KeyId: id, Tags: tags}, once)
		return err
	}
	mustSucceed(t, put(full))
	before := tagsOf(t, s, id)
	for _, c := range []struct {
		name, errorName string
		tags            []types.Tag
	}{
		{"one too many", "TagException", tags("a", "", "b", "")},
		{"51 at once", "TagException", append(slices.Clone(full), tags("a", "", "b", "")...)},
		{"one twice", "TagException", tags("key01", "1", "key01", "2")},
		{"the reserved prefix", "TagException", tags("a", "", "AWS:x", "")},
		{"an ampersand", "TagException", tags("team", "My & My Team")},
		{"an empty key", "ValidationException", tags("", "x")},
		{"a key that is too long", "ValidationException", tags(strings.Repeat("☃", 129), "x")},
		{"a value that is too long", "ValidationException", tags("a", strings.Repeat("☃", 257))},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, put(c.tags), c.errorName, "")
			if got := tagsOf(t, s, id); !slices.Equal(got, before) {
				t.Errorf("tags %q", got)
			}
		})
	}
	mustSucceed(t, put(tags("a", "", "key01", "y"))) // the fiftieth
	wantError(t, put(tags("b", "")), "TagException", "Too many tags")
	mustSucceed(t, put(tags("a", "z")))
	wantError(t, untag(t, s, id, ""), "ValidationException", "")
}
