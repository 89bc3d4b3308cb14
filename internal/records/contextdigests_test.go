package records

import (
	"bytes"
	"testing"
)

// Contexts that differ in any way have other digests. Names are compared regardless of case.
func TestDigestsOfContexts(t *testing.T) {
	type context = map[string]string
	whole := func(c context) string { d, _ := DigestsOf(c); return string(d.whole()) }
	first := context{"ab": "cd", "x": "y"}
	for _, other := range []context{
		{}, {"ab": "cd"}, {"ab": "cd", "x": "z"}, {"ab": "cd", "z": "y"}, {"a": "bcd", "x": "y"}, {"abc": "d", "x": "y"},
		{"ab": "y", "x": "cd"}, {"ab": "CD", "x": "y"}, {"ab": "cdx", "": "y"}, {"ab": "cd", "x": "y", "z": ""},
	} {
		if whole(other) == whole(first) {
			t.Errorf("%v has the digest of %v", other, first)
		}
	}
	if whole(context{"AB": "cd", "X": "y"}) != whole(first) {
		t.Error("names in capitals have another digest")
	}
	d, ok := DigestsOf(first)
	if !ok {
		t.Errorf("%v satisfies no constraint", first)
	}
	if again := d.whole(); !bytes.Equal(again, d.whole()) || string(again) != whole(first) {
		t.Error("the digest changes")
	}
	if one, other := d.pair("ab"), d.pair("x"); bytes.Equal(one, other) || !bytes.Equal(one, d.pair("ab")) {
		t.Error("pairs are confused")
	}
	for _, test := range []struct {
		names []string
		want  bool
	}{{nil, true}, {[]string{"ab"}, true}, {[]string{"x", "ab"}, true}, {[]string{"z"}, false}, {[]string{"ab", "z"}, false}, {[]string{"z", "ab"}, false}} {
		if got := d.Has(test.names); got != test.want {
			t.Errorf("Has(%v) = %v", test.names, got)
		}
	}
	if _, ok := DigestsOf(context{"a": "b", "A": "b"}); ok {
		t.Error("a context with one name twice satisfies a constraint")
	}
}
