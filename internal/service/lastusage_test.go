package service_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
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

// GetKeyLastUsage shows the last use of a key, whichever node served it. The nodes answer each question once.
func TestLastUsageAtAnyNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		var all []*clusterNode
		for _, id := range []string{"A", "B", "C"} {
			network := &storetest.Faulty{Backend: d.backend, Lag: func() time.Duration { return 5 * time.Millisecond }}
			all = append(all, must[*clusterNode](t)(d.node(t, id, network, shared)))
		}
		id := *must[any](t)(all[0].do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
		last := func(n *clusterNode) string {
			out := must[any](t)(n.do("", "GetKeyLastUsage", &api.GetKeyLastUsageRequest{KeyId: &id})).(*api.GetKeyLastUsageResponse)
			if out.KeyLastUsage.Operation == nil {
				return ""
			}
			return *out.KeyLastUsage.KmsRequestId
		}
		for _, n := range all {
			if used := last(n); used != "" {
				t.Errorf("an unused key was used by %s", used)
			}
		}
		writes := 0
		ctx, cancel := context.WithCancel(t.Context())
		watched := make(chan error)
		go func() {
			var rev int64
			err := d.backend.View(ctx, func(r store.Reader) error { rev = r.Rev(); return nil })
			watched <- err
			watched <- d.backend.Watch(ctx, rev, func(c store.Change) error {
				for _, key := range c.Keys {
					if strings.HasPrefix(string(key), "usage/") {
						writes++
					}
				}
				return nil
			})
		}()
		if err := <-watched; err != nil {
			t.Fatal(err)
		}
		const rounds = 12
		for i := range rounds {
			request := fmt.Sprintf("request-%d", i)
			time.Sleep(time.Second)
			must[any](t)(all[i%3].do("earlier", "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte("x")}))
			time.Sleep(time.Second)
			must[any](t)(all[(i+1)%3].do(request, "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte("x")}))
			for _, n := range all {
				if used := last(n); used != request {
					t.Errorf("node %s shows the use by %q, not by %s", n.id, used, request)
				}
			}
		}
		var busy sync.WaitGroup
		for _, n := range all { // an answer is not a question, even if a later use is known when it is told
			busy.Go(func() {
				for range 1000 {
					must[any](t)(n.do("busy", "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte("x")}))
					time.Sleep(time.Millisecond)
				}
			})
		}
		time.Sleep(500 * time.Millisecond)
		last(all[0])
		busy.Wait()
		cancel()
		<-watched
		if most := rounds*(3+2) + 3 + 3; writes > most { // three questions, and two nodes that know a use
			t.Errorf("%d writes, more than %d", writes, most)
		}
		for _, n := range all {
			n.close()
		}
	})
}
