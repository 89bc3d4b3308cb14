package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/fips"
	"github.com/keyhold/keyhold/internal/key"
)

// A server in FIPS mode does everything that is allowed while GODEBUG=fips140=only makes Go refuse all algorithms that
// are not approved. It refuses everything else by its name.
func TestFIPSMode(t *testing.T) {
	f := fipsCheck{t, serveInFIPSMode(t, "--fips")}
	for line := range strings.SplitSeq(key.SuiteTable(), "\n") {
		cells := strings.Fields(line)
		if spec, usage := cells[0], cells[1]; spec != "spec" {
			f.suite(key.Suites(key.Spec(spec)), key.Usage(usage))
		}
	}
	symmetric := f.create(key.SymmetricDefault, key.EncryptDecrypt)
	for _, spec := range api.Enum("DataKeyPairSpec") {
		out, err := f.client.GenerateDataKeyPair(t.Context(), &kms.GenerateDataKeyPairInput{
			KeyId: symmetric, KeyPairSpec: types.DataKeyPairSpec(spec),
		})
		f.judge("data key pairs of "+spec, spec, err)
		if err == nil && len(out.PrivateKeyPlaintext) == 0 {
			t.Errorf("%s: no private key", spec)
		}
	}
	for _, spec := range api.Enum("DataKeySpec") {
		_, err := f.client.GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{KeyId: symmetric, KeySpec: types.DataKeySpec(spec)})
		f.judge("data keys of "+spec, spec, err)
	}
	external, err := f.client.CreateKey(t.Context(), &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range api.Enum("AlgorithmSpec") {
		_, err := f.client.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{
			KeyId: external.KeyMetadata.Arn, WrappingAlgorithm: types.AlgorithmSpec(algorithm), WrappingKeySpec: "RSA_4096",
		})
		f.judge("wrapping with "+algorithm, algorithm, err)
	}
}

// serveInFIPSMode starts a server with GODEBUG=fips140=only and returns a client. The known secret of keyhold dev is too
// short for an approved HMAC.
func serveInFIPSMode(t *testing.T, flags ...string) *kms.Client {
	t.Helper()
	t.Setenv("GODEBUG", "fips140=only")
	path, data := buildProgram(t), filepath.Join(t.TempDir(), "data")
	printed, err := exec.CommandContext(t.Context(), path, append([]string{"init", "--data", data}, flags...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	p := startCommand(t, os.Stderr, path, append([]string{"serve", "--addr", "127.0.0.1:0", "--data", data}, flags...)...)
	secrets := regexp.MustCompile(`export AWS_\w+=(\S+)\n`).FindAllStringSubmatch(string(printed), 2)
	return kms.New(kms.Options{
		BaseEndpoint: &p.endpoint, Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(secrets[0][1], secrets[1][1], ""),
	})
}

type fipsCheck struct {
	*testing.T
	client *kms.Client
}

// judge compares the answer to a request for an algorithm or a spec with the list.
func (f fipsCheck) judge(what, name string, err error) {
	f.Helper()
	var refused *types.UnsupportedOperationException
	switch {
	case fips.Algorithm(name) && err != nil:
		f.Errorf("%s: %v", what, err)
	case !fips.Algorithm(name) && !(errors.As(err, &refused) && strings.Contains(refused.ErrorMessage(), name)):
		f.Errorf("%s: %v, want an UnsupportedOperationException that names %s", what, err, name)
	}
}

func (f fipsCheck) create(spec key.Spec, usage key.Usage) *string {
	out, err := f.client.CreateKey(f.Context(), &kms.CreateKeyInput{
		KeySpec: types.KeySpec(spec), KeyUsage: types.KeyUsageType(usage),
	})
	f.judge("CreateKey "+string(spec), string(spec), err)
	if err != nil {
		return nil
	}
	return out.KeyMetadata.Arn
}

// suite uses a key with each algorithm.
func (f fipsCheck) suite(of []key.Suite, usage key.Usage) {
	for _, s := range of {
		if s.Usage != usage {
			continue
		}
		arn := f.create(s.Spec, s.Usage)
		for _, algorithm := range s.Algorithms {
			if arn != nil {
				f.judge(string(s.Spec)+" with "+algorithm, algorithm, f.use(f.Context(), arn, s, algorithm))
			}
		}
		if _, err := f.client.GetPublicKey(f.Context(), &kms.GetPublicKeyInput{KeyId: arn}); arn != nil && s.Public && err != nil {
			f.Errorf("the public key of %s: %v", s.Spec, err)
		}
	}
}

func (f fipsCheck) use(ctx context.Context, arn *string, s key.Suite, algorithm string) error {
	message := []byte("32 bytes that are used as message")[:32]
	switch s.Usage {
	case key.EncryptDecrypt:
		a := types.EncryptionAlgorithmSpec(algorithm)
		out, err := f.client.Encrypt(ctx, &kms.EncryptInput{KeyId: arn, Plaintext: message, EncryptionAlgorithm: a})
		if err != nil {
			return err
		}
		_, err = f.client.Decrypt(ctx, &kms.DecryptInput{KeyId: arn, CiphertextBlob: out.CiphertextBlob, EncryptionAlgorithm: a})
		return err
	case key.SignVerify:
		a := types.SigningAlgorithmSpec(algorithm)
		in := &kms.SignInput{KeyId: arn, Message: message, SigningAlgorithm: a}
		if a == types.SigningAlgorithmSpecEd25519PhSha512 {
			in.Message, in.MessageType = make([]byte, 64), types.MessageTypeDigest
		}
		out, err := f.client.Sign(ctx, in)
		if err != nil {
			return err
		}
		_, err = f.client.Verify(ctx, &kms.VerifyInput{
			KeyId: arn, Message: in.Message, MessageType: in.MessageType, SigningAlgorithm: a, Signature: out.Signature,
		})
		return err
	case key.GenerateVerifyMAC:
		a := types.MacAlgorithmSpec(algorithm)
		out, err := f.client.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: arn, Message: message, MacAlgorithm: a})
		if err != nil {
			return err
		}
		_, err = f.client.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: arn, Message: message, MacAlgorithm: a, Mac: out.Mac})
		return err
	case key.KeyAgreement:
		public, err := f.client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: arn})
		if err != nil {
			return err
		}
		_, err = f.client.DeriveSharedSecret(ctx, &kms.DeriveSharedSecretInput{
			KeyId: arn, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpec(algorithm), PublicKey: public.PublicKey,
		})
		return err
	case key.EncapsulateDecapsulate:
		a := types.EncapsulationAlgorithmSpec(algorithm)
		out, err := f.client.Encapsulate(ctx, &kms.EncapsulateInput{KeyId: arn, EncapsulationAlgorithm: a})
		if err != nil {
			return err
		}
		_, err = f.client.Decapsulate(ctx, &kms.DecapsulateInput{
			KeyId: arn, EncapsulationAlgorithm: a, SharedSecretCiphertextBlob: out.SharedSecretCiphertextBlob,
		})
		return err
	}
	f.Fatalf("no test for keys with the usage %s", s.Usage)
	return nil
}

// Without --fips, GODEBUG=fips140=only makes Go refuse what the list does not have: the test above can fail.
func TestGoRefusesWhatIsNotApproved(t *testing.T) {
	c := serveInFIPSMode(t)
	made, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Encrypt(t.Context(), &kms.EncryptInput{
		KeyId: made.KeyMetadata.Arn, Plaintext: []byte("hello"), EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha1,
	})
	var internal *types.KMSInternalException
	if !errors.As(err, &internal) {
		t.Errorf("%v, want %T", err, internal)
	}
}
