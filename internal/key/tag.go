package key

import (
	"slices"
	"strings"
	"unicode"
)

// MaxTags is the quota of tags on one key.
const MaxTags = 50

// A Tag is a label on a key. Key has 1 to 128 characters, Value 0 to 256.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

var errTooManyTags = Errorf(KindTag, "Too many tags")

// CheckTags returns an Error, with the text of the service, unless one key may have all these tags.
func CheckTags(tags []Tag) error {
	if len(tags) > MaxTags {
		return errTooManyTags
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case seen[t.Key]:
			return Errorf(KindTag, "Duplicate tag keys")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return Errorf(KindTag, "Tags beginning with aws: are reserved")
		case strings.ContainsFunc(t.Key+t.Value, notInTags):
			return Errorf(KindTag, "Invalid tag")
		}
		seen[t.Key] = true
	}
	return nil
}

// notInTags reports whether tags must not contain r. Letters, digits and spaces are defined by Unicode. Source:
// "Tagging AWS resources" in the AWS General Reference.
func notInTags(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.N, unicode.Z) && !strings.ContainsRune("_.:/=+-@", r)
}

// WithTags returns the key with these tags added. A tag replaces an existing tag with the same tag key.
func (k Key) WithTags(tags []Tag) (Key, error) {
	if err := CheckTags(tags); err != nil {
		return Key{}, err
	}
	k.Tags = slices.Clone(k.Tags)
	for _, t := range tags {
		i := slices.IndexFunc(k.Tags, func(old Tag) bool { return old.Key == t.Key })
		if i < 0 {
			k.Tags = append(k.Tags, t)
		} else {
			k.Tags[i] = t
		}
	}
	if len(k.Tags) > MaxTags {
		return Key{}, errTooManyTags
	}
	return k, nil
}

// WithoutTags returns the key without the tags that have these tag keys. Tag keys that the key does not have
// are ignored.
func (k Key) WithoutTags(tagKeys []string) Key {
	k.Tags = slices.DeleteFunc(slices.Clone(k.Tags), func(t Tag) bool { return slices.Contains(tagKeys, t.Key) })
	return k
}
