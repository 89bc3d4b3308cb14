package awsimport_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/kmstest"
)

var material = bytes.Repeat([]byte{0xa5}, 32)

// wantCode checks that an error is a Refusal with the code, and contains no material.
func wantCode(t *testing.T, err error, code awsimport.Code) {
	t.Helper()
	if r, ok := errors.AsType[*awsimport.Refusal](err); !ok || r.Code != code || strings.Contains(r.Message, string(material[:8])) {
		t.Errorf("%v, not %s", err, code)
	}
}

func create(t *testing.T, s *kmstest.Server, origin types.OriginType) *string {
	t.Helper()
	out, err := s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	return out.KeyMetadata.KeyId
}

// wrapFor wraps material for a key, with new parameters.
func wrapFor(t *testing.T, s *kmstest.Server, id string, material []byte) *byok.Wrapped {
	t.Helper()
	k, err := awsimport.Find(t.Context(), s.Client, id)
	if err != nil {
		t.Fatal(err)
	}
	p, err := awsimport.GetParameters(t.Context(), s.Client, k, awsimport.Wrapping{KeySpec: "RSA_2048"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.Wrap(material)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestFind(t *testing.T) {
	s := kmstest.Start(t)
	ctx := t.Context()
	ours, theirs, leaving := create(t, s, "EXTERNAL"), create(t, s, "AWS_KMS"), create(t, s, "EXTERNAL")
	if _, err := s.Client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/ours"), TargetKeyId: ours}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: leaving}); err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:kms:us-east-1:" + kmstest.Account + ":"
	for _, ref := range []string{*ours, "alias/ours", arn + "key/" + *ours, arn + "alias/ours"} {
		if k, err := awsimport.Find(ctx, s.Client, ref); err != nil || *k.KeyId != *ours {
			t.Errorf("%s: %v", ref, err)
		}
	}
	_, err := awsimport.Find(ctx, s.Client, *theirs)
	wantCode(t, err, awsimport.NotExternal)
	_, err = awsimport.Find(ctx, s.Client, *leaving)
	wantCode(t, err, awsimport.PendingDeletion)
	for _, ref := range []string{"alias/none", "12345678-1234-1234-1234-123456789012"} {
		if _, err := awsimport.Find(ctx, s.Client, ref); !awsimport.IsNotFound(err) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	_, err = awsimport.Find(ctx, describes{Arn: aws.String("a"), KeyId: aws.String("b"), KeySpec: "ML_DSA_65", Origin: "EXTERNAL"}, "any")
	wantCode(t, err, awsimport.UnsupportedSpec)
	if k, err := awsimport.Find(ctx, describes{Origin: "EXTERNAL", KeySpec: "SYMMETRIC_DEFAULT"}, "any"); err == nil {
		t.Errorf("a key without a name: %+v", k)
	}
}

// describes is a server with this one key.
type describes types.KeyMetadata

func (d describes) DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	return &kms.DescribeKeyOutput{KeyMetadata: (*types.KeyMetadata)(&d)}, nil
}

// The server accepts each alias name that CheckNewAlias accepts. For each other name, Create
// makes nothing.
func TestCreate(t *testing.T) {
	s := kmstest.Start(t)
	for name, want := range map[string]bool{
		"alias/a": true, "alias/a/b_c-D9": true, "alias/awsome": true,
		"": false, "a": false, "alias/": false, "alias/aws/a": false, "alias/a b": false, "alias/a:b": false, "Alias/a": false,
		"alias/" + strings.Repeat("a", 250): true, "alias/" + strings.Repeat("a", 251): false,
	} {
		_, err := awsimport.Create(t.Context(), s.Client, awsimport.NewKey{Alias: name})
		if want && err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if !want {
			wantCode(t, err, awsimport.BadAlias)
		}
	}
	keys, err := s.Client.ListKeys(t.Context(), &kms.ListKeysInput{})
	if err != nil || len(keys.Keys) != 4 {
		t.Errorf("%d keys, %v", len(keys.Keys), err)
	}
	// If the creation of the alias fails, Create returns the key.
	k, err := awsimport.Create(t.Context(), s.Client, awsimport.NewKey{Alias: "alias/a"})
	var taken *types.AlreadyExistsException
	if k == nil || !errors.As(err, &taken) {
		t.Errorf("%v, %v", k, err)
	}
}

func TestWrappings(t *testing.T) {
	s := kmstest.Start(t)
	k, err := awsimport.Find(t.Context(), s.Client, *create(t, s, "EXTERNAL"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		wrapping awsimport.Wrapping
		size     int
	}{
		{awsimport.Wrapping{}, 512},
		{awsimport.Wrapping{KeySpec: types.WrappingKeySpecRsa3072}, 384},
		{awsimport.Wrapping{Algorithm: byok.RSAESOAEPSHA1, KeySpec: types.WrappingKeySpecRsa2048}, 256},
	} {
		p, err := awsimport.GetParameters(t.Context(), s.Client, k, test.wrapping)
		if err != nil {
			t.Fatal(err)
		}
		if left := p.ValidTo.Sub(s.Now()); left > 24*time.Hour || left < 23*time.Hour {
			t.Errorf("%v: good for %v", test.wrapping, left)
		}
		w, err := p.Wrap(material)
		if err != nil || len(w.Material) != test.size {
			t.Errorf("%v: %v", test.wrapping, err)
		}
		id, err := awsimport.Import(t.Context(), s.Client, w, time.Time{})
		if err := errors.Join(err, awsimport.CheckID(w, id)); err != nil {
			t.Errorf("%v: %v", test.wrapping, err)
		}
	}
}

func TestImportExpires(t *testing.T) {
	s := kmstest.Start(t)
	id := create(t, s, "EXTERNAL")
	validTo := s.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, want := range []time.Time{validTo, {}} {
		w := wrapFor(t, s, *id, material)
		if _, err := awsimport.Import(t.Context(), s.Client, w, want); err != nil {
			t.Fatal(err)
		}
		if k, err := awsimport.Find(t.Context(), s.Client, *id); err != nil || !aws.ToTime(k.ValidTo).Equal(want) {
			t.Errorf("%v, not %v: %v", k.ValidTo, want, err)
		}
	}
}

func TestCheckID(t *testing.T) {
	w := &byok.Wrapped{KeyMaterialID: strings.Repeat("0", 64)}
	if err := awsimport.CheckID(w, w.KeyMaterialID); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"", strings.Repeat("1", 64), w.KeyMaterialID[1:]} {
		wantCode(t, awsimport.CheckID(w, id), awsimport.NotProved)
	}
}

// encrypts is a server whose Encrypt is this function.
type encrypts func(plaintext []byte, context map[string]string) ([]byte, error)

func (e encrypts) Encrypt(_ context.Context, in *kms.EncryptInput, _ ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	blob, err := e(in.Plaintext, in.EncryptionContext)
	return &kms.EncryptOutput{CiphertextBlob: blob}, err
}

// Challenge fails for a server that does not have the material, and for a server that encrypts
// another plaintext.
func TestChallenge(t *testing.T) {
	const keyID = "1234abcd-12ab-34cd-56ef-1234567890ab"
	encrypt := func(material, plaintext []byte, context map[string]string) ([]byte, error) {
		id, err := crypt.MaterialID(keyID, material)
		if err != nil {
			return nil, err
		}
		message, err := crypt.NewMessage(crypt.BlobHeader{Account: "111122223333", KeyID: keyID, MaterialID: id}, context)
		if err != nil {
			return nil, err
		}
		key, err := crypt.NewSymmetricKey(material)
		if err != nil {
			return nil, err
		}
		return message.Encrypt(key, plaintext)
	}
	honest := func(p []byte, c map[string]string) ([]byte, error) { return encrypt(material, p, c) }
	if err := awsimport.Challenge(t.Context(), encrypts(honest), keyID, material); err != nil {
		t.Error(err)
	}
	for name, server := range map[string]encrypts{
		"other material":    func(p []byte, c map[string]string) ([]byte, error) { return encrypt(make([]byte, 32), p, c) },
		"another plaintext": func(p []byte, c map[string]string) ([]byte, error) { return encrypt(material, p[1:], c) },
		"no context":        func(p []byte, _ map[string]string) ([]byte, error) { return encrypt(material, p, nil) },
		"no encryption":     func(p []byte, _ map[string]string) ([]byte, error) { return p, nil },
		"nothing":           func([]byte, map[string]string) ([]byte, error) { return nil, nil },
		"another format": func(p []byte, _ map[string]string) ([]byte, error) {
			return append([]byte{1, 2, 2, 0}, make([]byte, 200)...), nil
		},
		"the same for anyone": func([]byte, map[string]string) ([]byte, error) { return encrypt(material, make([]byte, 32), nil) },
	} {
		err := awsimport.Challenge(t.Context(), server, keyID, material)
		if r, ok := errors.AsType[*awsimport.Refusal](err); !ok || r.Code != awsimport.NotProved {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused := errors.New("refused")
	if err := awsimport.Challenge(t.Context(), encrypts(func([]byte, map[string]string) ([]byte, error) { return nil, refused }), keyID, material); err != refused {
		t.Errorf("a server that refuses: %v", err)
	}
}
