package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/service"
)

const flipAccount, flipRegion = "111122223333", "us-east-1"

// A flipFolder is the data folder whose bits the test flips. A server with a clock ten days back
// made its sixty keys. When the test starts a server, some keys are due for expiry or deletion.
type flipFolder struct {
	t                *testing.T
	s                *service.Service
	dir, rootKey     string
	accessKey, value string // the credentials
	keys             []*flipKey
}

// A flipKey is a key, its final state, and a ciphertext from before it reached this state.
type flipKey struct {
	id         string
	finalState string
	aliases    []string
	secret     string
	context    map[string]string
	blob       []byte
}

// finalStates are the states that keys reach, in turn. Keys without imported material stay Enabled
// instead of the states "expired" and "deleted".
var finalStates = []string{"Enabled", "Disabled", "PendingDeletion", "expired", "Enabled", "gone", "deleted", "Enabled"}

func newFlipFolder(t *testing.T) *flipFolder {
	t.Helper()
	dir := t.TempDir()
	f := &flipFolder{t: t, dir: filepath.Join(dir, "data"), rootKey: filepath.Join(dir, "root.key")}
	_, err := custody.KeyFile(f.rootKey).Create(nil)
	f.must(err)
	d, err := host.OpenFolder(f.dir, rootOptions{root: custody.KeyFile(f.rootKey)}.openRoot, func(error) {})
	f.must(err)
	c := d.Config()
	c.Clock = service.NewClock(func() time.Time { return time.Now().AddDate(0, 0, -10) })
	c.Log, c.Create, c.WrappingKeysAhead = slog.New(slog.DiscardHandler), true, 1
	f.s, err = service.Open(t.Context(), c)
	f.must(err)
	f.accessKey, f.value, err = f.s.Initialise(t.Context(), flipAccount)
	f.must(err)
	for i := range 60 {
		f.keys = append(f.keys, f.newKey(i))
	}
	for _, k := range f.keys {
		f.reachFinalState(k)
	}
	f.must(d.Close(f.s))
	return f
}

func (f *flipFolder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// do carries out an operation as the root of the account.
func (f *flipFolder) do(operation string, in any) any {
	f.t.Helper()
	op, ok := f.s.Find(operation)
	if !ok {
		f.t.Fatalf("there is no operation %s", operation)
	}
	out, err := f.s.Do(context.Background(), service.Request{
		Caller: identity.Caller{Principal: identity.Root(flipAccount), Region: flipRegion}, Operation: op, Input: in,
	})
	f.must(err)
	return out
}

// newKey makes a key and encrypts its secret. Every third key has imported material. Some records
// are longer than a page.
func (f *flipFolder) newKey(i int) *flipKey {
	f.t.Helper()
	k := &flipKey{finalState: finalStates[i%len(finalStates)], secret: fmt.Sprintf("the secret of key %d", i), context: map[string]string{"key": fmt.Sprint(i)}}
	in := &api.CreateKeyRequest{Description: new(strings.Repeat("x", 200*(i%5)))}
	if i%10 == 0 {
		in.Description = new(strings.Repeat("y", 8000))
	}
	if i%3 == 0 {
		in.Origin = new("EXTERNAL")
	}
	k.id = *f.do("CreateKey", in).(*api.CreateKeyResponse).KeyMetadata.KeyId
	if in.Origin != nil {
		f.importInto(k)
	} else if k.finalState == "expired" || k.finalState == "deleted" {
		k.finalState = "Enabled"
	}
	for n := range i % 3 {
		k.aliases = append(k.aliases, fmt.Sprintf("alias/key/%d/%d", i, n))
		f.do("CreateAlias", &api.CreateAliasRequest{AliasName: &k.aliases[n], TargetKeyId: &k.id})
	}
	k.blob = f.do("Encrypt", &api.EncryptRequest{KeyId: &k.id, Plaintext: []byte(k.secret), EncryptionContext: k.context}).(*api.EncryptResponse).CiphertextBlob
	return k
}

func (f *flipFolder) importInto(k *flipKey) {
	f.t.Helper()
	p := f.do("GetParametersForImport", &api.GetParametersForImportRequest{
		KeyId: &k.id, WrappingAlgorithm: new("RSAES_OAEP_SHA_256"), WrappingKeySpec: new("RSA_2048"),
	}).(*api.GetParametersForImportResponse)
	public, err := x509.ParsePKIXPublicKey(p.PublicKey)
	f.must(err)
	material := make([]byte, 32)
	rand.Read(material)
	in := &api.ImportKeyMaterialRequest{KeyId: &k.id, ImportToken: p.ImportToken, ExpirationModel: new("KEY_MATERIAL_DOES_NOT_EXPIRE")}
	in.EncryptedKeyMaterial, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil)
	f.must(err)
	if k.finalState == "expired" {
		in.ExpirationModel, in.ValidTo = nil, api.NewTimestamp(time.Now().AddDate(0, 0, -3))
	}
	f.do("ImportKeyMaterial", in)
}

// reachFinalState brings a key from Enabled to its final state.
func (f *flipFolder) reachFinalState(k *flipKey) {
	f.t.Helper()
	switch k.finalState {
	case "Disabled":
		f.do("DisableKey", &api.DisableKeyRequest{KeyId: &k.id})
	case "PendingDeletion":
		f.do("ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &k.id, PendingWindowInDays: new(int32(30))})
	case "gone":
		f.do("ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &k.id, PendingWindowInDays: new(int32(7))})
	case "deleted":
		f.do("DeleteImportedKeyMaterial", &api.DeleteImportedKeyMaterialRequest{KeyId: &k.id})
	}
}

// checkAnswers compares the answers of a sound server with the final states of the keys.
func (f *flipFolder) checkAnswers(answers map[string]string) {
	f.t.Helper()
	for _, k := range f.keys {
		describe, decrypt := "", "refused KMSInvalidStateException"
		switch k.finalState {
		case "Enabled":
			describe, decrypt = "Enabled", "plaintext "+k.secret
		case "Disabled":
			describe, decrypt = "Disabled", "refused DisabledException"
		case "PendingDeletion":
			describe = "PendingDeletion"
		case "expired", "deleted":
			describe = "PendingImport"
		case "gone":
			describe, decrypt = "refused NotFoundException", "refused AccessDeniedException"
		default:
			f.must(errors.New("unknown final state"))
		}
		want := map[string]string{"describe " + k.id: describe, "decrypt for " + k.id: decrypt, "decrypt otherwise for " + k.id: decrypt}
		if k.finalState == "Enabled" {
			want["decrypt otherwise for "+k.id] = "refused InvalidCiphertextException"
		}
		for question, answer := range want {
			if !strings.HasPrefix(answers[question], answer) {
				f.t.Errorf("%s: %q, want %q", question, answers[question], answer)
			}
		}
	}
}
