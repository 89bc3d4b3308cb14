package service_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/kmstest"
)

func lastUsage(t *testing.T, s *kmstest.Server, id *string) *types.KeyLastUsageData {
	t.Helper()
	out := must[*kms.GetKeyLastUsageOutput](t)(s.Client.GetKeyLastUsage(t.Context(), &kms.GetKeyLastUsageInput{KeyId: id}))
	if *out.KeyId != *id || !out.TrackingStartDate.Equal(*out.KeyCreationDate) || !out.KeyCreationDate.Equal(*describe(t, s, id).CreationDate) {
		t.Errorf("%+v", out)
	}
	if out.KeyLastUsage == nil {
		t.Fatal("KeyLastUsage is absent, not empty")
	}
	return out.KeyLastUsage
}

func wantUsage(t *testing.T, s *kmstest.Server, id *string, operation types.KeyLastUsageTrackingOperation, at time.Time) {
	t.Helper()
	u := lastUsage(t, s, id)
	if u.Operation != operation || u.Timestamp == nil || u.Timestamp.Sub(at).Abs() > time.Minute || len(aws.ToString(u.CloudTrailEventId)) != 36 || len(aws.ToString(u.KmsRequestId)) != 36 {
		t.Errorf("last used %+v, want %s at %s", u, operation, at)
	}
}

func TestLastUsage(t *testing.T) {
	s := kmstest.Start(t)
	id, other, unused := createGenerated(t, s), createGenerated(t, s), createGenerated(t, s)
	blob := encrypt(t, s, id, "hello")
	wantUsage(t, s, id, "Encrypt", s.Now())
	s.Advance(10 * day)
	decrypted(t, s, blob)
	decryption := s.Now()
	wantUsage(t, s, id, "Decrypt", decryption)
	s.Advance(day)

	// Failed operations, and operations that are not cryptographic, do not count as a use.
	_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{KeyId: id, CiphertextBlob: blob, EncryptionContext: map[string]string{"a": "b"}})
	wantError(t, err, "InvalidCiphertextException", "")
	_, err = s.Client.Decrypt(t.Context(), &kms.DecryptInput{KeyId: other, CiphertextBlob: blob})
	wantError(t, err, "IncorrectKeyException", "")
	mustSucceed(t, rotateOnDemand(t, s, id))
	mustSucceed(t, tag(t, s, id, "a", "b"))
	describe(t, s, id)
	wantUsage(t, s, id, "Decrypt", decryption)

	// A ReEncrypt uses two keys.
	must[*kms.ReEncryptOutput](t)(s.Client.ReEncrypt(t.Context(), &kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyId: other}))
	wantUsage(t, s, id, "ReEncrypt", s.Now())
	wantUsage(t, s, other, "ReEncrypt", s.Now())
	must[*kms.GenerateDataKeyOutput](t)(s.Client.GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{KeyId: id, KeySpec: "AES_256"}))
	wantUsage(t, s, id, "GenerateDataKey", s.Now())
	must[*kms.GenerateDataKeyWithoutPlaintextOutput](t)(s.Client.GenerateDataKeyWithoutPlaintext(t.Context(), &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: id, KeySpec: "AES_256"}))
	wantUsage(t, s, id, "GenerateDataKeyWithoutPlaintext", s.Now())
	if u := lastUsage(t, s, unused); u.Operation != "" || u.Timestamp != nil || u.CloudTrailEventId != nil || u.KmsRequestId != nil {
		t.Errorf("never used: %+v", u)
	}
	disable(t, s, id)
	schedule(t, s, id)
	wantUsage(t, s, id, "GenerateDataKeyWithoutPlaintext", s.Now())
}

func (l *clockedService) lastUsage(t *testing.T, id string) *api.KeyLastUsageData {
	t.Helper()
	return must[any](t)(do(l.Service, "GetKeyLastUsage", &api.GetKeyLastUsageRequest{KeyId: &id})).(*api.GetKeyLastUsageResponse).KeyLastUsage
}

// An orderly stop loses no usage. A usage names its event in the log, and is removed with its
// key.
func TestLastUsageOverAStop(t *testing.T) {
	l := newClockedService(t)
	before := len(l.paths(t))
	id := l.createKey(t)
	l.encrypt(t, id, "hello")
	for range 3 {
		want := l.lastUsage(t, id)
		l.end(t)
		l.restart(t)
		got := l.lastUsage(t, id)
		if *got.CloudTrailEventId != *want.CloudTrailEventId || *got.KmsRequestId != "request-1" || *got.Operation != *want.Operation || got.Timestamp.Time() != want.Timestamp.Time() {
			t.Errorf("%+v, before the stop %+v", got, want)
		}
		found := false
		for _, e := range readEvents(t, l.path) {
			found = found || e["eventID"] == *got.CloudTrailEventId && e["eventName"] == *got.Operation
		}
		if !found {
			t.Error("the log has no such event")
		}
		l.encrypt(t, id, "again")
	}
	must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &id, PendingWindowInDays: new(int32(7))}))
	l.sweepAfter(t, 8*day)
	l.end(t)
	if got := l.paths(t); len(got) != before {
		t.Errorf("left are %v", got)
	}
}

func TestDescribeCustomKeyStores(t *testing.T) {
	s := kmstest.Start(t)
	ask := func(in *kms.DescribeCustomKeyStoresInput) (*kms.DescribeCustomKeyStoresOutput, error) {
		return s.Client.DescribeCustomKeyStores(t.Context(), in)
	}
	out := must[*kms.DescribeCustomKeyStoresOutput](t)(ask(&kms.DescribeCustomKeyStoresInput{Limit: aws.Int32(1)}))
	if out.CustomKeyStores == nil || len(out.CustomKeyStores) != 0 || out.Truncated || out.NextMarker != nil {
		t.Errorf("%+v", out)
	}
	_, err := ask(&kms.DescribeCustomKeyStoresInput{CustomKeyStoreId: aws.String("cks-1234567890abcdef0")})
	wantError(t, err, "CustomKeyStoreNotFoundException", "cks-1234567890abcdef0")
	_, err = ask(&kms.DescribeCustomKeyStoresInput{CustomKeyStoreName: aws.String("mine")})
	wantError(t, err, "CustomKeyStoreNotFoundException", "mine")
	_, err = ask(&kms.DescribeCustomKeyStoresInput{CustomKeyStoreName: aws.String("mine"), CustomKeyStoreId: aws.String("cks-1")})
	wantError(t, err, "ValidationException", "in the same request.")
	_, err = ask(&kms.DescribeCustomKeyStoresInput{Marker: aws.String("x")})
	wantError(t, err, "InvalidMarkerException", "")
	_, err = s.Client.CreateCustomKeyStore(t.Context(), &kms.CreateCustomKeyStoreInput{CustomKeyStoreName: aws.String("mine")})
	wantError(t, err, "UnsupportedOperationException", "")
	_, err = s.Client.ConnectCustomKeyStore(t.Context(), &kms.ConnectCustomKeyStoreInput{CustomKeyStoreId: aws.String("cks-1")})
	wantError(t, err, "UnsupportedOperationException", "")
}
