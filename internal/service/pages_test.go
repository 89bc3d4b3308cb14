package service_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

// A listing returns one page: the names on it, the next marker, and whether there are more pages.
type listing func(marker *string, limit int32) (names []string, next *string, truncated bool)

// collect reads all pages. It calls meanwhile after each of them.
func collect(t *testing.T, limit int32, list listing, meanwhile func(page int)) (all []string) {
	t.Helper()
	var marker *string
	for page := 0; ; page++ {
		names, next, truncated := list(marker, limit)
		if len(names) > int(limit) {
			t.Errorf("%d names on a page of %d", len(names), limit)
		}
		if truncated != (next != nil) || page > 100 {
			t.Fatalf("page %d: Truncated %v with the marker %v", page, truncated, aws.ToString(next))
		}
		all = append(all, names...)
		if !truncated {
			return all
		}
		marker = next
		meanwhile(page)
	}
}

// wantStable checks a listing during which items were added and removed: it contains all items
// that existed the whole time, each once and in order.
func wantStable(t *testing.T, got, stayed []string) {
	t.Helper()
	if !slices.IsSorted(got) {
		t.Errorf("not in order: %v", got)
	}
	if len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("something is listed twice: %v", got)
	}
	for _, name := range stayed {
		if !slices.Contains(got, name) {
			t.Errorf("%s is missing in %v", name, got)
		}
	}
}

func aliasPages(t *testing.T, s *kmstest.Server, id *string) listing {
	return func(marker *string, limit int32) (names []string, next *string, truncated bool) {
		t.Helper()
		out := must[*kms.ListAliasesOutput](t)(s.Client.ListAliases(t.Context(), &kms.ListAliasesInput{KeyId: id, Marker: marker, Limit: &limit}))
		for _, a := range out.Aliases {
			names = append(names, *a.AliasName)
		}
		return names, out.NextMarker, out.Truncated
	}
}

func tagPages(t *testing.T, s *kmstest.Server, id *string) listing {
	return func(marker *string, limit int32) (names []string, next *string, truncated bool) {
		t.Helper()
		out := must[*kms.ListResourceTagsOutput](t)(s.Client.ListResourceTags(t.Context(), &kms.ListResourceTagsInput{KeyId: id, Marker: marker, Limit: &limit}))
		for _, tag := range out.Tags {
			names = append(names, *tag.TagKey)
		}
		return names, out.NextMarker, out.Truncated
	}
}

func keyPages(t *testing.T, s *kmstest.Server) listing {
	return func(marker *string, limit int32) (names []string, next *string, truncated bool) {
		t.Helper()
		out := must[*kms.ListKeysOutput](t)(s.Client.ListKeys(t.Context(), &kms.ListKeysInput{Marker: marker, Limit: &limit}))
		for _, k := range out.Keys {
			names = append(names, *k.KeyId)
		}
		return names, out.NextMarker, out.Truncated
	}
}

// With pages of two: after the first page, its last item is removed, one item is added that sorts
// before it and another that sorts last.
func TestPagesOfAliases(t *testing.T) {
	s := kmstest.Start(t)
	id, other := createExternal(t, s), createExternal(t, s)
	for _, of := range []*string{nil, id} {
		mustSucceed(t, createAlias(t, s, "alias/other", other))
		for _, name := range []string{"b", "b/x", "c", "d", "e", "f", "g"} {
			mustSucceed(t, createAlias(t, s, "alias/"+name, id))
		}
		got := collect(t, 2, aliasPages(t, s, of), func(page int) {
			if page == 0 {
				mustSucceed(t, deleteAlias(t, s, "alias/b/x"), deleteAlias(t, s, "alias/e"))
				mustSucceed(t, createAlias(t, s, "alias/a", id), createAlias(t, s, "alias/z", id))
			}
		})
		wantStable(t, got, []string{"alias/b", "alias/c", "alias/d", "alias/f", "alias/g", "alias/z"})
		if slices.Contains(got, "alias/e") || slices.Contains(got, "alias/other") != (of == nil) {
			t.Errorf("aliases of %s: %v", aws.ToString(of), got)
		}
		for _, name := range aliasesOf(t, s, nil) {
			mustSucceed(t, deleteAlias(t, s, name))
		}
	}
}

func TestPagesOfTags(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	names := []string{"B", "b", "b c", "d", "e", "é", "ключ", "漢"}
	for _, name := range slices.Backward(names) {
		mustSucceed(t, tag(t, s, id, name, "1"))
	}
	got := collect(t, 2, tagPages(t, s, id), func(page int) {
		if page == 0 {
			mustSucceed(t, untag(t, s, id, "b", "e"), tag(t, s, id, "a", "2"), tag(t, s, id, "d", "2"), tag(t, s, id, "𠮷", ""))
		}
	})
	wantStable(t, got, []string{"B", "b c", "d", "é", "ключ", "漢", "𠮷"})
	if slices.Contains(got, "e") {
		t.Errorf("tags %v", got)
	}
	for _, limit := range []int32{1, 3, 50, 1000} {
		want := []string{"B", "a", "b c", "d", "é", "ключ", "漢", "𠮷"}
		if got := collect(t, limit, tagPages(t, s, id), func(int) {}); !slices.Equal(got, want) {
			t.Errorf("by %d: %v", limit, got)
		}
	}
}

func TestPagesOfKeys(t *testing.T) {
	s := kmstest.Start(t)
	var ids []string
	for range 9 {
		ids = append(ids, *createExternal(t, s))
	}
	slices.Sort(ids)
	schedule(t, s, &ids[1])
	schedule(t, s, &ids[5])
	s.Advance(7*day - time.Minute)
	got := collect(t, 2, keyPages(t, s), func(page int) {
		if page == 0 { // the last key of the page is gone when the next page begins
			s.Advance(time.Minute)
		}
		createExternal(t, s)
	})
	wantStable(t, got, slices.Concat(ids[:1], ids[2:5], ids[6:]))
	if slices.Contains(got, ids[5]) {
		t.Errorf("a key that is gone is listed: %v", got)
	}
}

func TestMarkersAndLimits(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	mustSucceed(t, tag(t, s, id, "a", ""), tag(t, s, id, "b", ""))
	marker := must[*kms.ListResourceTagsOutput](t)(s.Client.ListResourceTags(t.Context(), &kms.ListResourceTagsInput{KeyId: id, Limit: aws.Int32(1)})).NextMarker
	calls := map[string]func(marker *string, limit *int32) error{
		"ListResourceTags": func(marker *string, limit *int32) error {
			_, err := s.Client.ListResourceTags(t.Context(), &kms.ListResourceTagsInput{KeyId: id, Marker: marker, Limit: limit})
			return err
		},
		"ListKeyPolicies": func(marker *string, limit *int32) error {
			_, err := s.Client.ListKeyPolicies(t.Context(), &kms.ListKeyPoliciesInput{KeyId: id, Marker: marker, Limit: limit})
			return err
		},
		"ListAliases": func(marker *string, limit *int32) error {
			_, err := s.Client.ListAliases(t.Context(), &kms.ListAliasesInput{KeyId: id, Marker: marker, Limit: limit})
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			mustSucceed(t, call(nil, aws.Int32(1000)))
			wantError(t, call(aws.String("x"), nil), "InvalidMarkerException", "")
			wantError(t, call(nil, aws.Int32(0)), "ValidationException", "Member must have value greater than or equal to 1")
			wantError(t, call(nil, aws.Int32(1001)), "ValidationException", "Member must have value less than or equal to 1000")
			if name == "ListResourceTags" {
				mustSucceed(t, call(marker, nil))
			} else {
				wantError(t, call(marker, nil), "InvalidMarkerException", "")
			}
		})
	}
}

// tag puts one tag on a key.
func tag(t *testing.T, s *kmstest.Server, id *string, name, value string) error {
	t.Helper()
	_, err := s.Client.TagResource(t.Context(), &kms.TagResourceInput{KeyId: id, Tags: []types.Tag{{TagKey: &name, TagValue: &value}}}, once)
	return err
}

func untag(t *testing.T, s *kmstest.Server, id *string, names ...string) error {
	t.Helper()
	_, err := s.Client.UntagResource(t.Context(), &kms.UntagResourceInput{KeyId: id, TagKeys: names}, once)
	return err
}

func tagsOf(t *testing.T, s *kmstest.Server, id *string) (tags []string) {
	t.Helper()
	for _, tag := range must[*kms.ListResourceTagsOutput](t)(s.Client.ListResourceTags(t.Context(), &kms.ListResourceTagsInput{KeyId: id})).Tags {
		tags = append(tags, fmt.Sprintf("%s=%s", *tag.TagKey, *tag.TagValue))
	}
	return tags
}
