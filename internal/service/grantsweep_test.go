package service_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
)

// grant creates a grant that has all of its records.
func (l *clockedService) grant(t *testing.T, id, name string) *api.CreateGrantResponse {
	t.Helper()
	return l.grantTo(t, id, name, "app")
}

func (l *clockedService) grantTo(t *testing.T, id, name, role string) *api.CreateGrantResponse {
	t.Helper()
	return must[any](t)(do(l.Service, "CreateGrant", &api.CreateGrantRequest{
		KeyId: &id, Name: &name, GranteePrincipal: new("arn:aws:iam::111122223333:role/" + role), RetiringPrincipal: new("arn:aws:iam::111122223333:root"), Operations: []string{"Decrypt"},
	})).(*api.CreateGrantResponse)
}

// The grants of a removed key are removed, and the grants of other keys stay.
func TestSweepRemovesGrants(t *testing.T) {
	l := newClockedService(t)
	gone, kept := l.createKey(t), l.createKey(t)
	for i := range 30 {
		l.grantTo(t, gone, strings.Repeat("n", i+1), strings.Repeat("r", i+1))
	}
	l.grant(t, kept, "kept")
	must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &gone, PendingWindowInDays: new(int32(7))}))
	l.sweepAfter(t, 7*day+time.Second)
	left := 0
	for _, p := range l.paths(t) {
		if strings.Contains(p, gone) {
			t.Errorf("%s is left", p)
		}
		if strings.HasPrefix(p, "grant") {
			left++
		}
	}
	if left != 7 {
		t.Errorf("%d records of the other key's grant are left", left)
	}
	l.end(t)
}

// The audit log names the grant that was created or retired, and contains no token.
func TestEventsOfGrants(t *testing.T) {
	l := newClockedService(t)
	id := l.createKey(t)
	made := l.grant(t, id, "n")
	must[any](t)(do(l.Service, "DescribeKey", &api.DescribeKeyRequest{KeyId: &id, GrantTokens: []string{*made.GrantToken}}))
	if _, err := do(l.Service, "RetireGrant", &api.RetireGrantRequest{GrantToken: made.GrantToken, DryRun: new(true)}); err == nil {
		t.Error("a dry run went well")
	}
	must[any](t)(do(l.Service, "RetireGrant", &api.RetireGrantRequest{GrantToken: made.GrantToken}))
	l.end(t)
	events := readEvents(t, l.path)
	created, dry, retired := events[1], events[3], events[4]
	if got, _ := created["responseElements"].(map[string]any); got["grantId"] != *made.GrantId || !strings.HasSuffix(got["keyId"].(string), id) {
		t.Errorf("%v", created)
	}
	if got, _ := retired["additionalEventData"].(map[string]any); got["grantId"] != *made.GrantId {
		t.Errorf("%v", retired)
	}
	if dry["errorCode"] != "DryRunOperationException" || dry["additionalEventData"] != nil {
		t.Errorf("%v", dry)
	}
	if text := string(must[[]byte](t)(os.ReadFile(l.path))); strings.Contains(text, *made.GrantToken) {
		t.Error("the log holds a token")
	}
}
