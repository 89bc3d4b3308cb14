package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

const lostKey = "1234abcd-12ab-34cd-56ef-1234567890ab"

// recreate returns a request for the key of the caller of do.
func recreate(id string) *api.RecreateKeyRequest {
	return &api.RecreateKeyRequest{KeyId: &id, AccountId: new("111122223333")}
}

func wantKind(t *testing.T, err error, kind key.Kind) {
	t.Helper()
	if e, ok := err.(*key.Error); !ok || e.Kind != kind {
		t.Errorf("got %v, want %s", err, kind)
	}
}

func TestRecreateKey(t *testing.T) {
	l := newClockedService(t)
	out := must[any](t)(do(l.Service, "RecreateKey", recreate(lostKey))).(*api.RecreateKeyResponse)
	if m := out.KeyMetadata; *m.KeyId != lostKey || *m.Origin != "EXTERNAL" || *m.KeyState != "PendingImport" || m.CurrentKeyMaterialId != nil {
		t.Errorf("%+v", m)
	}
	_, err := do(l.Service, "RecreateKey", recreate(lostKey))
	wantKind(t, err, key.KindAlreadyExists)
	_, err = do(l.Service, "RecreateKey", recreate("mrk-1234"))
	wantKind(t, err, key.KindValidation)
	other := recreate("2234abcd-12ab-34cd-56ef-1234567890ab")
	other.AccountId = new("444455556666")
	_, err = do(l.Service, "RecreateKey", other)
	wantKind(t, err, key.KindAccessDenied)
	_, err = do(l.Service, "RecreateKey", &api.RecreateKeyRequest{KeyId: new(lostKey)})
	wantKind(t, err, key.KindValidation)
	l.end(t)
	var got []string
	for _, e := range readEvents(t, l.path) {
		code, _ := e["errorCode"].(string)
		got = append(got, e["eventName"].(string)+" "+code)
	}
	if want := "RecreateKey |RecreateKey AlreadyExistsException|RecreateKey ValidationException|RecreateKey AccessDeniedException|RecreateKey ValidationException"; strings.Join(got, "|") != want {
		t.Errorf("events %q", got)
	}
}

// A deleted key blocks its ID until the key and its records are removed. Then the owner of the
// original can use the ID again.
func TestRecreateDeletedKey(t *testing.T) {
	l := newClockedService(t)
	must[any](t)(do(l.Service, "RecreateKey", recreate(lostKey)))
	l.importInto(t, lostKey, 30*day)
	must[any](t)(do(l.Service, "CreateAlias", &api.CreateAliasRequest{AliasName: new("alias/lost"), TargetKeyId: new(lostKey)}))
	must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: new(lostKey), PendingWindowInDays: new(int32(7))}))
	_, err := do(l.Service, "RecreateKey", recreate(lostKey))
	wantKind(t, err, key.KindAlreadyExists)
	l.sweepAfter(t, 7*day+time.Second)
	must[any](t)(do(l.Service, "RecreateKey", recreate(lostKey)))
	aliases := must[any](t)(do(l.Service, "ListAliases", &api.ListAliasesRequest{KeyId: new(lostKey)})).(*api.ListAliasesResponse)
	if len(aliases.Aliases) != 0 {
		t.Errorf("the key has the aliases of the one before it: %+v", aliases.Aliases)
	}
	l.end(t)
}

// A multi-Region key is recreated as a primary key, which can be replicated: one ID never has two
// primary keys.
func TestRecreateMultiRegionKey(t *testing.T) {
	const id = "mrk-1234abcd12ab34cd56ef1234567890ab"
	l := newClockedService(t)
	out := must[any](t)(do(l.Service, "RecreateKey", recreate(id))).(*api.RecreateKeyResponse)
	if m := out.KeyMetadata; *m.KeyId != id || m.MultiRegionConfiguration == nil || *m.MultiRegionConfiguration.MultiRegionKeyType != "PRIMARY" {
		t.Errorf("%+v", m)
	}
	again := func(region string) error {
		_, err := doIn(l.Service, region, "RecreateKey", recreate(id))
		return err
	}
	wantKind(t, again(tokyo), key.KindAlreadyExists)
	l.importInto(t, id, 30*day)
	l.replicate(t, id)
	must[any](t)(do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: new(id), ReplicaRegion: new("us-east-1")}))
	for _, region := range []string{"eu-west-2", tokyo, "eu-north-1"} {
		wantKind(t, again(region), key.KindAlreadyExists)
	}
	// When all related keys are gone, the ID can be used in every Region.
	for _, region := range []string{"eu-west-2", tokyo, "us-east-1"} {
		l.schedule(t, id, region)
	}
	l.sweepAfter(t, 7*day+time.Second)
	wantKind(t, again(tokyo), key.KindAlreadyExists)
	l.sweepAfter(t, 7*day+time.Second)
	must[any](t)(doIn(l.Service, tokyo, "RecreateKey", recreate(id)))
	l.end(t)
}
