package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go/middleware"
)

// TestKill kills the program again and again while material is imported and
// deleted. What was acknowledged holds after the next start and is in the audit
// log; what was under way has happened as a whole or not at all.
func TestKill(t *testing.T) {
	kills := 100
	if s := os.Getenv("KEYHOLD_KILLS"); s != "" {
		kills, _ = strconv.Atoi(s)
	}
	program, data := buildProgram(t), filepath.Join(t.TempDir(), "data")
	p := startProgram(t, program, data)
	owners := make([]*owner, 8)
	for i := range owners {
		owners[i] = newOwner(t, p.client())
	}
	acknowledged := 0
	for range kills {
		var wg sync.WaitGroup
		for _, o := range owners {
			wg.Go(func() { o.work(p.client()) })
		}
		time.Sleep(time.Duration(10+mathrand.IntN(60)) * time.Millisecond) // the moment of the kill is left to chance
		p.kill(t)
		wg.Wait()
		p = startProgram(t, program, data)
		for _, o := range owners {
			acknowledged += o.verify(t, p.client(), filepath.Join(data, "audit.log"))
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	p.kill(t)
	if acknowledged < kills {
		t.Errorf("only %d changes were acknowledged: the test tested nothing", acknowledged)
	}
	t.Logf("%d kills, %d acknowledged changes, 0 lost, 0 half done", kills, acknowledged)
}

// An owner has a key, the material for it, parameters to import it with, and an
// old ciphertext.
type owner struct {
	id, token, wrapped, blob []byte
	present                  bool // what the last acknowledged change left
	inFlight                 bool // a change was sent that no answer came for
	requests                 []string
}

func newOwner(t *testing.T, c *kms.Client) *owner {
	t.Helper()
	ctx := t.Context()
	created, err := c.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	if err != nil {
		t.Fatal(err)
	}
	o := &owner{id: []byte(*created.KeyMetadata.KeyId)}
	params, err := c.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
		KeyId: o.key(), WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(params.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	material := make([]byte, 32)
	rand.Read(material)
	o.token = params.ImportToken
	if o.wrapped, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil); err != nil {
		t.Fatal(err)
	}
	if err := o.change(ctx, c); err != nil {
		t.Fatal(err)
	}
	enc, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: o.key(), Plaintext: o.id})
	if err != nil {
		t.Fatal(err)
	}
	o.blob = enc.CiphertextBlob
	return o
}

func (o *owner) key() *string { return aws.String(string(o.id)) }

// change deletes the material if it is there, and imports it if it is not.
func (o *owner) change(ctx context.Context, c *kms.Client) error {
	o.inFlight = true
	var metadata middleware.Metadata
	if o.present {
		out, err := c.DeleteImportedKeyMaterial(ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: o.key()})
		if err != nil {
			return err
		}
		metadata = out.ResultMetadata
	} else {
		out, err := c.ImportKeyMaterial(ctx, &kms.ImportKeyMaterialInput{
			KeyId: o.key(), ImportToken: o.token, EncryptedKeyMaterial: o.wrapped,
			ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
		})
		if err != nil {
			return err
		}
		metadata = out.ResultMetadata
	}
	id, _ := awsmiddleware.GetRequestIDMetadata(metadata)
	o.requests = append(o.requests, id)
	o.present, o.inFlight = !o.present, false
	return nil
}

// work makes changes until the server is gone.
func (o *owner) work(c *kms.Client) {
	for o.change(context.Background(), c) == nil {
	}
}

// verify returns how many changes were acknowledged since the last time.
func (o *owner) verify(t *testing.T, c *kms.Client, log string) int {
	t.Helper()
	desc, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: o.key()})
	if err != nil {
		t.Fatal(err)
	}
	state := desc.KeyMetadata.KeyState
	present := state == types.KeyStateEnabled
	switch {
	case !present && state != types.KeyStatePendingImport:
		t.Errorf("key %s is %s", o.id, state)
	case present != o.present && !o.inFlight:
		t.Errorf("key %s: the acknowledged change to present=%v is lost", o.id, o.present)
	}
	dec, err := c.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: o.blob})
	var pending *types.KMSInvalidStateException
	if present && (err != nil || !bytes.Equal(dec.Plaintext, o.id)) || !present && !errors.As(err, &pending) {
		t.Errorf("key %s is %s and half done: Decrypt gives %v", o.id, state, err)
	}
	events, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range o.requests {
		if n := bytes.Count(events, []byte(`"requestID":"`+id+`"`)); n != 1 {
			t.Errorf("the acknowledged request %s is in the audit log %d times", id, n)
		}
	}
	n := len(o.requests)
	o.present, o.inFlight, o.requests = present, false, nil
	return n
}

// client returns a client that tries once: a repetition would hide what was lost.
func (p *program) client() *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint:     aws.String(p.endpoint),
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider(devAccessKey, devSecret, ""),
		RetryMaxAttempts: 1,
	})
}
