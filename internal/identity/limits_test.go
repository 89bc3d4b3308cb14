package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// Each length is limited as the IAM API documents it.
func TestLengthsOfNames(t *testing.T) {
	name := func(size int) string { return strings.Repeat("x", size) }
	for what, test := range map[string]struct {
		valid func(string) bool
		text  func(size int) string
		limit int
	}{
		"a name":          {ValidName, name, 64},
		"a policy's name": {ValidPolicyName, name, 128},
		"a path":          {ValidPath, func(size int) string { return "/" + name(size-2) + "/" }, 512},
	} {
		if !test.valid(test.text(test.limit)) || test.valid(test.text(test.limit+1)) {
			t.Errorf("%s is not limited to %d characters", what, test.limit)
		}
	}
	if MaxAccessKeys != 2 {
		t.Errorf("a user can have %d access keys", MaxAccessKeys)
	}
}

func TestWellFormedKeyID(t *testing.T) {
	for id, want := range map[string]bool{
		testKeyID: true, "ASIA" + testKeyID[4:]: true, "AKIA0123456789ABCXYZ": true,
		"AIDA" + testKeyID[4:]: false, testKeyID + "A": false, testKeyID[:19]: false, "AKIA": false, "": false,
		"AKIAIOSFODNN7EXAMPLe": false, "AKIAIOSF-DNN7EXAMPLE": false,
	} {
		if WellFormedKeyID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}

// First asks in order, and stops at the first Lookup that knows the access key or fails.
func TestFirst(t *testing.T) {
	failed := errors.New("failed")
	a, b := AccessKey{ID: "a", Principal: Root(testAccount)}, AccessKey{ID: "b", Principal: Root(testAccount)}
	other := AccessKey{ID: "a", Principal: Root("444455556666")}
	fails := func(_ context.Context, id string) (AccessKey, bool, error) { return AccessKey{}, false, failed }
	for name, test := range map[string]struct {
		lookups []Lookup
		id      string
		want    AccessKey
		ok      bool
		err     error
	}{
		"the first":            {[]Lookup{Fixed(a), Fixed(other, b)}, "a", a, true, nil},
		"the second":           {[]Lookup{Fixed(a), Fixed(other, b)}, "b", b, true, nil},
		"no one":               {[]Lookup{Fixed(a), Fixed(b)}, "c", AccessKey{}, false, nil},
		"nobody to ask":        {nil, "a", AccessKey{}, false, nil},
		"a failure first":      {[]Lookup{fails, Fixed(a)}, "a", AccessKey{}, false, failed},
		"a failure afterwards": {[]Lookup{Fixed(a), fails}, "a", a, true, nil},
		"a failure at the end": {[]Lookup{Fixed(a), fails}, "b", AccessKey{}, false, failed},
	} {
		got, ok, err := First(test.lookups...)(t.Context(), test.id)
		if got.ID != test.want.ID || got.Principal.ARN != test.want.Principal.ARN || ok != test.ok || err != test.err {
			t.Errorf("%s: got %v, %v, %v", name, got, ok, err)
		}
	}
}

// The access key of a test server stands for the account that it names.
func TestAnyCredentials(t *testing.T) {
	admit := AnyCredentials(testAccount)
	for id, want := range map[string]string{
		"444455556666": "444455556666", "44445555666": testAccount, "test": testAccount, "": testAccount,
	} {
		if got := admit(id); got.ARN != "arn:aws:iam::"+want+":root" || got.AccountID != want {
			t.Errorf("%q: %s", id, got.ARN)
		}
	}
}
