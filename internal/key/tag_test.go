package key

import (
	"fmt"
	"slices"
	"testing"
)

func TestCheckTags(t *testing.T) {
	many := func(n int) (tags []Tag) {
		for i := range n {
			tags = append(tags, Tag{fmt.Sprint("key", i), "value"})
		}
		return tags
	}
	for _, test := range []struct {
		name string
		tags []Tag
		want Kind
	}{
		{"none", nil, ""},
		{"empty value", []Tag{{"a", ""}}, ""},
		{"keys that differ in case", []Tag{{"a", "1"}, {"A", "1"}}, ""},
		{"like the reserved prefix", []Tag{{"aws", "1"}, {"aws_x", "1"}, {"my:aws:x", "1"}}, ""},
		{"reserved prefix in a value", []Tag{{"a", "aws:x"}}, ""},
		{"50", many(50), ""},
		{"51", many(51), KindTag},
		{"every character", []Tag{{"azAZ09 _.:/=+-@", "é 漢 ٣\u00a0_.:/=+-@"}}, ""},
		{"an ampersand", []Tag{{"team", "My & My Team"}}, KindTag},
		{"an ampersand in a key", []Tag{{"a&b", "1"}}, KindTag},
		{"a quotation mark", []Tag{{"a", `"`}}, KindTag},
		{"a newline", []Tag{{"a", "1\n"}}, KindTag},
		{"a symbol", []Tag{{"a", "☃"}}, KindTag},
		{"a combining accent", []Tag{{"a", "e\u0301"}}, KindTag},
		{"duplicate", []Tag{{"a", "1"}, {"b", "1"}, {"a", "2"}}, KindTag},
		{"duplicate with the same value", []Tag{{"a", "1"}, {"a", "1"}}, KindTag},
		{"reserved prefix", []Tag{{"a", "1"}, {"aws:x", "1"}}, KindTag},
		{"reserved prefix in another case", []Tag{{"AwS:x", "1"}}, KindTag},
	} {
		err := CheckTags(test.tags)
		if test.want != "" {
			wantError(t, err, test.want, "")
		} else if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestWithTags(t *testing.T) {
	a, b, c := Tag{"a", "1"}, Tag{"b", ""}, Tag{"ключ 漢", "Ü  "}
	tagged := externalKey(Enabled)
	tagged.Tags = append(make([]Tag, 0, 8), a, b) // with spare capacity, which an append without a copy would overwrite
	for _, test := range []struct {
		name      string
		put, want []Tag
	}{
		{"none", nil, []Tag{a, b}},
		{"a new one", []Tag{c}, []Tag{a, b, c}},
		{"another value", []Tag{{"a", "2"}}, []Tag{{"a", "2"}, b}},
		{"an empty value", []Tag{{"a", ""}}, []Tag{{"a", ""}, b}},
		{"another case", []Tag{{"A", "1"}}, []Tag{a, b, {"A", "1"}}},
		{"both", []Tag{c, {"b", "2"}}, []Tag{a, {"b", "2"}, c}},
	} {
		got, err := tagged.WithTags(test.put)
		if err != nil || !slices.Equal(got.Tags, test.want) {
			t.Errorf("%s: %v, %v", test.name, got.Tags, err)
		}
		if !slices.Equal(tagged.Tags[:3], []Tag{a, b, {}}) {
			t.Errorf("%s: the key that it started from has %v", test.name, tagged.Tags[:3])
		}
	}
}

func TestWithTagsRefuses(t *testing.T) {
	full := externalKey(Enabled)
	for i := range MaxTags {
		full.Tags = append(full.Tags, Tag{fmt.Sprint("key", i), ""})
	}
	for name, test := range map[string]struct {
		put  []Tag
		want Kind
	}{
		"one too many":    {[]Tag{{"more", ""}}, KindTag},
		"duplicate":       {[]Tag{{"key0", "1"}, {"key0", "2"}}, KindTag},
		"reserved prefix": {[]Tag{{"aws:x", "1"}}, KindTag},
	} {
		got, err := full.WithTags(test.put)
		wantError(t, err, test.want, "")
		if got.ID != "" {
			t.Errorf("%s: and %+v", name, got)
		}
	}
	old := externalKey(Enabled)
	old.Tags = []Tag{{"a & b", "as an older program took it"}}
	if got, err := old.WithTags([]Tag{{"more", ""}}); err != nil || len(got.Tags) != 2 {
		t.Errorf("on a key with a tag of an older program: %v", err)
	}
	if got, err := full.WithTags([]Tag{{"key7", "new"}}); err != nil || len(got.Tags) != MaxTags {
		t.Errorf("a new value on a key with all its tags: %v", err)
	}
}

func TestWithoutTags(t *testing.T) {
	a, b, c := Tag{"a", "1"}, Tag{"b", "2"}, Tag{"A", "3"}
	tagged := externalKey(Enabled)
	tagged.Tags = []Tag{a, b, c}
	for name, test := range map[string]struct {
		remove []string
		want   []Tag
	}{
		"none":         {nil, []Tag{a, b, c}},
		"absent":       {[]string{"x", "1", ""}, []Tag{a, b, c}},
		"one":          {[]string{"a"}, []Tag{b, c}},
		"twice":        {[]string{"a", "a"}, []Tag{b, c}},
		"all":          {[]string{"A", "b", "a", "x"}, nil},
		"another case": {[]string{"B"}, []Tag{a, b, c}},
	} {
		if got := tagged.WithoutTags(test.remove).Tags; !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
		if !slices.Equal(tagged.Tags, []Tag{a, b, c}) {
			t.Errorf("%s: the key that it started from has %v", name, tagged.Tags)
		}
	}
}
