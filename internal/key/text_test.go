package key

import (
	"reflect"
	"strings"
	"testing"
)

// Each text that a caller writes is a difference.
func TestTextsDiffer(t *testing.T) {
	k := Key{
		Policy: "p", Description: "d", Tags: []Tag{{"a", "b"}},
		Materials: []Material{{ID: "m", Description: "first"}, {ID: "n"}}, Pending: &Material{ID: "o", Description: "waits"},
	}
	if !k.Text().Equal(k.WithText(k.Text()).Text()) {
		t.Errorf("%+v", k.WithText(k.Text()).Text())
	}
	for name, change := range map[string]func(k *Key){
		"policy":         func(k *Key) { k.Policy = "q" },
		"description":    func(k *Key) { k.Description = "" },
		"tag":            func(k *Key) { k.Tags = []Tag{{"a", "c"}} },
		"tags":           func(k *Key) { k.Tags = append(k.Tags, Tag{"c", "d"}) },
		"material":       func(k *Key) { *k = k.withMaterial(1, Material{ID: "n", Description: "x"}) },
		"first material": func(k *Key) { *k = k.withMaterial(0, Material{ID: "m"}) },
		"pending":        func(k *Key) { k.Pending = &Material{ID: "o"} },
	} {
		changed := k
		if change(&changed); changed.Text().Equal(k.Text()) {
			t.Errorf("another %s is the same text", name)
		}
		if whole := k.WithText(changed.Text()); !reflect.DeepEqual(whole, changed) {
			t.Errorf("%s: %+v, not %+v", name, whole, changed)
		}
	}
}

// A field of a key that the record does not contain is in the text: the walk finds every field with the JSON name "-".
func TestTextHasEveryFieldThatTheRecordLacks(t *testing.T) {
	var lacking []string
	for _, of := range []reflect.Type{reflect.TypeFor[Key](), reflect.TypeFor[Material]()} {
		for f := range of.Fields() {
			if f.Tag.Get("json") == "-" {
				lacking = append(lacking, of.Name()+"."+f.Name)
			}
		}
	}
	if got, want := strings.Join(lacking, " "), "Key.Description Key.Policy Key.Tags Material.Description"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}
