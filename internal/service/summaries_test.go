package service

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// summariesTest is a deployment with keys for ListKeySummaries.
type summariesTest struct {
	people
	names map[string]string // of keys, by ID
}

func newSummariesTest(t *testing.T) summariesTest {
	return summariesTest{newPeople(t), map[string]string{}}
}

// key creates a key. Material of a key of origin EXTERNAL expires after the given times; 0 stands for missing material.
func (s summariesTest) key(name string, in *api.CreateKeyRequest, validFor ...time.Duration) (id string) {
	s.Helper()
	out, err := s.do(identity.Root(homeAccount), "CreateKey", in)
	if err != nil {
		s.Fatal(err)
	}
	id = *out.(*api.CreateKeyResponse).KeyMetadata.KeyId
	s.names[id] = name
	if len(validFor) == 0 {
		return id
	}
	err = s.store.Update(s.Context(), func(tx *store.Tx) error {
		k, _, err := records.WholeKeys.Get(tx, records.KeyPath(homeAccount, "eu-west-2", id))
		if err != nil {
			return err
		}
		k.State = key.Enabled
		for i, d := range validFor {
			m := key.Material{ID: strings.Repeat(fmt.Sprint(i), 64)}
			if d != 0 {
				m.Sealed, m.Slot, m.ValidTo = []byte("sealed"), fmt.Sprint(id, i), s.clock.Now().Add(d).Truncate(time.Second)
			} else {
				k.State = key.PendingImport
			}
			k.Materials = append(k.Materials, m)
		}
		_, err = records.PutKeys(tx, k)
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return id
}

// list returns the names of all keys that a principal gets, with the number of requests.
func (s summariesTest) list(who identity.Principal, in api.ListKeySummariesRequest) (names []string, requests int) {
	s.Helper()
	for {
		requests++
		answer, err := s.do(who, "ListKeySummaries", &in)
		if err != nil {
			s.Fatal(err)
		}
		out := answer.(*api.ListKeySummariesResponse)
		for _, k := range out.Keys {
			names = append(names, s.names[*k.KeyMetadata.KeyId])
		}
		if out.Truncated != (out.NextMarker != nil) {
			s.Fatal("Truncated and NextMarker differ")
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			return names, requests
		}
	}
}

func externalKey() *api.CreateKeyRequest { return &api.CreateKeyRequest{Origin: new("EXTERNAL")} }

func TestSummariesByExpiry(t *testing.T) {
	s := newSummariesTest(t)
	root := identity.Root(homeAccount)
	s.key("plain", &api.CreateKeyRequest{})
	rotating := s.key("rotating", &api.CreateKeyRequest{})
	if _, err := s.do(root, "EnableKeyRotation", &api.EnableKeyRotationRequest{KeyId: &rotating, RotationPeriodInDays: new(int32(90))}); err != nil {
		t.Fatal(err)
	}
	s.key("empty", externalKey())
	s.key("last", externalKey(), 200*24*time.Hour)
	s.key("soon", externalKey(), 100*24*time.Hour, 2*24*time.Hour)
	s.key("partly", externalKey(), 0, 30*24*time.Hour)
	s.key("lost", externalKey(), 0)

	before := func(d time.Duration) *api.Timestamp { return api.NewTimestamp(s.clock.Now().Add(d)) }
	for _, c := range []struct {
		in   api.ListKeySummariesRequest
		want string
	}{
		{api.ListKeySummariesRequest{}, "soon partly last"},
		{api.ListKeySummariesRequest{Limit: new(int32(1))}, "soon partly last"},
		{api.ListKeySummariesRequest{ExpiresBefore: before(31 * 24 * time.Hour)}, "soon partly"},
		{api.ListKeySummariesRequest{ExpiresBefore: before(3 * 24 * time.Hour), Limit: new(int32(1))}, "soon"},
		{api.ListKeySummariesRequest{ExpiresBefore: before(24 * time.Hour)}, ""},
		{api.ListKeySummariesRequest{KeyState: new("PendingImport")}, "partly"},
	} {
		c.in.OrderBy = new(api.OrderByExpiry)
		if names, _ := s.list(root, c.in); strings.Join(names, " ") != c.want {
			t.Errorf("%+v: got %q, want %q", c.in, names, c.want)
		}
	}
	if names, _ := s.list(identity.Root(otherAccount), api.ListKeySummariesRequest{OrderBy: new(api.OrderByExpiry)}); len(names) > 0 {
		t.Errorf("another account got %q", names)
	}
	s.clock.Advance(3 * 24 * time.Hour)
	// Until the sweep has come, the key whose material has expired stands where the index has it.
	names, _ := s.list(root, api.ListKeySummariesRequest{OrderBy: new(api.OrderByExpiry)})
	if slices.Sort(names); strings.Join(names, " ") != "last partly soon" {
		t.Errorf("got %q", names)
	}
}

func TestSummariesSelect(t *testing.T) {
	s := newSummariesTest(t)
	root := identity.Root(homeAccount)
	tagged := func(k, v string) *api.CreateKeyRequest {
		return &api.CreateKeyRequest{Tags: []api.Tag{{TagKey: new(k), TagValue: new(v)}}}
	}
	a := s.key("a", tagged("team", "red"))
	s.key("b", tagged("team", "blue"))
	s.key("c", externalKey())
	s.key("d", &api.CreateKeyRequest{KeySpec: new("HMAC_256"), KeyUsage: new("GENERATE_VERIFY_MAC")})
	if _, err := s.do(root, "CreateAlias", &api.CreateAliasRequest{AliasName: new("alias/app/orders"), TargetKeyId: &a}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.do(root, "DisableKey", &api.DisableKeyRequest{KeyId: &a}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in   api.ListKeySummariesRequest
		want string
	}{
		{api.ListKeySummariesRequest{}, "a b c d"},
		{api.ListKeySummariesRequest{Limit: new(int32(1))}, "a b c d"},
		{api.ListKeySummariesRequest{KeyState: new("Disabled")}, "a"},
		{api.ListKeySummariesRequest{KeySpec: new("HMAC_256")}, "d"},
		{api.ListKeySummariesRequest{Origin: new("EXTERNAL")}, "c"},
		{api.ListKeySummariesRequest{TagKey: new("team")}, "a b"},
		{api.ListKeySummariesRequest{TagKey: new("team"), TagValue: new("blue")}, "b"},
		{api.ListKeySummariesRequest{TagKey: new("team"), TagValue: new("")}, ""},
		{api.ListKeySummariesRequest{AliasContains: new("p/ord")}, "a"},
		{api.ListKeySummariesRequest{AliasContains: new("alias/")}, ""},
	} {
		names, _ := s.list(root, c.in)
		slices.Sort(names)
		if strings.Join(names, " ") != c.want {
			t.Errorf("%+v: got %q, want %q", c.in, names, c.want)
		}
	}
	for _, in := range []*api.ListKeySummariesRequest{
		{OrderBy: new("AGE")}, {TagValue: new("x")}, {ExpiresBefore: api.NewTimestamp(time.Now())},
		{ExpiresBefore: api.NewTimestamp(time.Now()), OrderBy: new(api.OrderByKeyID)},
	} {
		_, err := s.do(root, "ListKeySummaries", in)
		s.wantRefusal(err, key.KindValidation, "")
	}
}

// A summary has what the caller may list of a key that the caller may describe, and nothing else.
func TestSummariesObeyPolicies(t *testing.T) {
	s := newSummariesTest(t)
	open := s.key("open", &api.CreateKeyRequest{Tags: []api.Tag{{TagKey: new("a"), TagValue: new("b")}}})
	s.key("closed", &api.CreateKeyRequest{})
	s.key("imported", externalKey(), 9*24*time.Hour)
	if _, err := s.do(identity.Root(homeAccount), "CreateAlias", &api.CreateAliasRequest{AliasName: new("alias/x"), TargetKeyId: &open}); err != nil {
		t.Fatal(err)
	}
	statement := func(action, resource string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}`
	}
	allow := func(statements ...string) identity.Principal {
		s.user("alice", func(u *identity.User) {
			u.Inline = []identity.InlinePolicy{{Name: "p", Document: `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`}}
		})
		return s.as("alice")
	}
	list := statement("keyhold:ListKeySummaries", "*")
	arn := "arn:aws:kms:eu-west-2:111122223333:key/" + open

	_, err := s.do(allow(statement("kms:*", "*")), "ListKeySummaries", &api.ListKeySummariesRequest{})
	s.wantRefusal(err, key.KindAccessDenied, "keyhold:ListKeySummaries")
	for _, c := range []struct {
		allowed []string
		want    string
	}{
		{nil, ""},
		{[]string{statement("kms:DescribeKey", arn)}, "open "},
		{[]string{statement("kms:DescribeKey", arn), statement("kms:ListAliases", "*")}, "open aliases "},
		{[]string{statement("kms:DescribeKey", "*"), statement("kms:ListResourceTags", arn)}, "closed imported open tags "},
		{[]string{statement("kms:DescribeKey", "*"), statement("kms:ListKeyRotations", "*")}, "closed imported materials open "},
	} {
		out, err := s.do(allow(append(c.allowed, list)...), "ListKeySummaries", &api.ListKeySummariesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range out.(*api.ListKeySummariesResponse).Keys {
			line := s.names[*k.KeyMetadata.KeyId] + " "
			for i, there := range []bool{k.Aliases != nil, k.Tags != nil, k.Materials != nil} {
				if there {
					line += []string{"aliases ", "tags ", "materials "}[i]
				}
			}
			got = append(got, line)
		}
		slices.Sort(got)
		if strings.Join(got, "") != c.want {
			t.Errorf("%v: got %q, want %q", c.allowed, got, c.want)
		}
	}
	for allowed, want := range map[string]*int32{statement("kms:ListKeys", "*"): new(int32(2)), statement("kms:ListGrants", "*"): nil} {
		out, err := s.do(allow(list, statement("kms:DescribeKey", arn), allowed), "ListKeySummaries", &api.ListKeySummariesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.(*api.ListKeySummariesResponse).NotShown; (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: %v keys are not shown, want %v", allowed, got, want)
		}
	}
	who := allow(list, statement("kms:DescribeKey", "*"))
	for _, in := range []api.ListKeySummariesRequest{{TagKey: new("a")}, {AliasContains: new("x")}} {
		if names, _ := s.list(who, in); len(names) > 0 {
			t.Errorf("a principal who may list neither tags nor aliases finds %q by them", names)
		}
	}
}

// The index of due times has keys of all accounts. A marker shows nothing of them, is not accepted from another account
// or Region, and cannot be made by a caller who looks for keys of others.
func TestMarkersShowNothingOfOtherAccounts(t *testing.T) {
	s := newSummariesTest(t)
	root, due := identity.Root(homeAccount), s.clock.Now().Add(time.Hour)
	var paths []string
	for i := range summariesExamined + 2 {
		path := records.KeyPath(otherAccount, "eu-west-2", fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
		paths = append(paths, records.DuePath(due.Add(time.Duration(i)*time.Second), path))
	}
	for part := range slices.Chunk(paths, 100) {
		err := s.store.Update(s.Context(), func(tx *store.Tx) (err error) {
			for _, path := range part {
				err = errors.Join(err, records.Dues.Put(tx, path, struct{}{}))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.key("own", externalKey(), 24*time.Hour)
	in := api.ListKeySummariesRequest{OrderBy: new(api.OrderByExpiry)}
	if names, requests := s.list(root, in); strings.Join(names, " ") != "own" || requests != 2 {
		t.Errorf("got %q in %d requests", names, requests)
	}
	answer, err := s.do(root, "ListKeySummaries", &in)
	if err != nil {
		t.Fatal(err)
	}
	marker := *answer.(*api.ListKeySummariesResponse).NextMarker
	shown, err := base64.RawURLEncoding.DecodeString(marker)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{otherAccount, "00000000-0000", records.DueSecond(due)[:8]} {
		if bytes.Contains(shown, []byte(secret)) {
			t.Errorf("the marker shows %q", secret)
		}
	}
	forged := base64.RawURLEncoding.EncodeToString([]byte("ListKeySummaries EXPIRY:" + paths[0]))
	for what, try := range map[string]struct {
		who    identity.Principal
		marker string
	}{
		"forged":             {root, forged},
		"of another account": {identity.Root(otherAccount), marker},
		"of another order":   {root, marker},
	} {
		in := api.ListKeySummariesRequest{OrderBy: new(api.OrderByExpiry), Marker: &try.marker}
		if what == "of another order" {
			in.OrderBy = nil
		}
		_, err := s.do(try.who, "ListKeySummaries", &in)
		if refused, ok := errors.AsType[*key.Error](err); !ok || refused.Kind != key.KindInvalidMarker {
			t.Errorf("a marker %s: %v", what, err)
		}
	}
}

// The number of keys that are not shown says nothing about these keys.
func TestNotShownIsNoOracle(t *testing.T) {
	s := newSummariesTest(t)
	root := identity.Root(homeAccount)
	s.key("secret", &api.CreateKeyRequest{Tags: []api.Tag{{TagKey: new("project"), TagValue: new("x")}}})
	s.key("expiring", externalKey(), 24*time.Hour)
	s.user("alice", func(u *identity.User) {
		u.Inline = []identity.InlinePolicy{{Name: "p", Document: `{"Version":"2012-10-17","Statement":[` +
			`{"Effect":"Allow","Action":["keyhold:ListKeySummaries","kms:ListKeys"],"Resource":"*"}]}`}}
	})
	for _, in := range []*api.ListKeySummariesRequest{
		{}, {TagKey: new("project")}, {TagKey: new("project"), TagValue: new("x")}, {TagKey: new("other")},
		{Origin: new("EXTERNAL")}, {KeyState: new("Disabled")}, {KeySpec: new("RSA_2048")}, {AliasContains: new("x")},
	} {
		out, err := s.do(s.as("alice"), "ListKeySummaries", in)
		if err != nil {
			t.Fatal(err)
		}
		if got := out.(*api.ListKeySummariesResponse).NotShown; got == nil || *got != 2 {
			t.Errorf("%+v: %v keys are not shown, want 2", in, got)
		}
	}
	for _, who := range []identity.Principal{s.as("alice"), root} {
		out, err := s.do(who, "ListKeySummaries", &api.ListKeySummariesRequest{OrderBy: new(api.OrderByExpiry)})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.(*api.ListKeySummariesResponse).NotShown; got != nil {
			t.Errorf("in the order of expiry, %d keys are not shown", *got)
		}
	}
}

// A request examines at most summariesExamined keys, no matter how few of them it selects.
func TestSummariesHaveABound(t *testing.T) {
	s := newSummariesTest(t)
	root := identity.Root(homeAccount)
	for range summariesExamined + 1 {
		s.key("other", &api.CreateKeyRequest{})
	}
	if names, requests := s.list(root, api.ListKeySummariesRequest{KeySpec: new("HMAC_256")}); len(names) > 0 || requests != 2 {
		t.Errorf("%d keys in %d requests", len(names), requests)
	}
	if names, requests := s.list(root, api.ListKeySummariesRequest{Limit: new(int32(1000))}); len(names) != summariesExamined+1 || requests != 3 {
		t.Errorf("%d keys in %d requests", len(names), requests)
	}
}
