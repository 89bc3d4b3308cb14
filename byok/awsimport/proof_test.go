package awsimport_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"hash"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok/awsimport"
)

// shows is a server with this public key.
type shows func() ([]byte, error)

func (s shows) GetPublicKey(context.Context, *kms.GetPublicKeyInput, ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error) {
	public, err := s()
	return &kms.GetPublicKeyOutput{PublicKey: public}, err
}

func TestCheckPublicKey(t *testing.T) {
	check := func(s shows) error { return awsimport.CheckPublicKey(t.Context(), s, "key", []byte("public")) }
	if err := check(func() ([]byte, error) { return []byte("public"), nil }); err != nil {
		t.Error(err)
	}
	for _, other := range []string{"", "publi", "public ", "Public"} {
		wantCode(t, check(func() ([]byte, error) { return []byte(other), nil }), awsimport.NotProved)
	}
	refused := errors.New("refused")
	if err := check(func() ([]byte, error) { return []byte("public"), refused }); err != refused {
		t.Error(err)
	}
}

// codes is a server whose GenerateMac is this function.
type codes func(algorithm types.MacAlgorithmSpec, message []byte) ([]byte, error)

func (c codes) GenerateMac(_ context.Context, in *kms.GenerateMacInput, _ ...func(*kms.Options)) (*kms.GenerateMacOutput, error) {
	mac, err := c(in.MacAlgorithm, in.Message)
	return &kms.GenerateMacOutput{Mac: mac}, err
}

func codeOf(newHash func() hash.Hash, material, message []byte) []byte {
	h := hmac.New(newHash, material)
	h.Write(message)
	return h.Sum(nil)
}

func TestCheckMAC(t *testing.T) {
	for spec, c := range map[string]struct {
		algorithm types.MacAlgorithmSpec
		newHash   func() hash.Hash
	}{
		"HMAC_224": {types.MacAlgorithmSpecHmacSha224, sha256.New224}, "HMAC_256": {types.MacAlgorithmSpecHmacSha256, sha256.New},
		"HMAC_384": {types.MacAlgorithmSpecHmacSha384, sha512.New384}, "HMAC_512": {types.MacAlgorithmSpecHmacSha512, sha512.New},
	} {
		check := func(s codes) error { return awsimport.CheckMAC(t.Context(), s, "key", spec, material) }
		var before []byte
		err := check(func(a types.MacAlgorithmSpec, message []byte) ([]byte, error) {
			if before = message; a != c.algorithm || len(message) < 16 {
				t.Errorf("%s: %s of %d bytes", spec, a, len(message))
			}
			return codeOf(c.newHash, material, message), nil
		})
		if err != nil {
			t.Errorf("%s: %v", spec, err)
		}
		right := func(message []byte) []byte { return codeOf(c.newHash, material, message) }
		for name, answer := range map[string]func(message []byte) []byte{
			"other material":         func(m []byte) []byte { return codeOf(c.newHash, make([]byte, 32), m) },
			"a code of another time": func([]byte) []byte { return right(before) },
			"a short code":           func(m []byte) []byte { return right(m)[:16] },
			"a long code":            func(m []byte) []byte { return append(right(m), 0) },
			"nothing":                func([]byte) []byte { return nil },
			"the message":            func(m []byte) []byte { return m },
		} {
			t.Log(spec, name)
			wantCode(t, check(func(_ types.MacAlgorithmSpec, m []byte) ([]byte, error) { return answer(m), nil }), awsimport.NotProved)
		}
		refused := errors.New("refused")
		if err := check(func(_ types.MacAlgorithmSpec, m []byte) ([]byte, error) { return right(m), refused }); err != refused {
			t.Errorf("%s: %v", spec, err)
		}
	}
	if err := awsimport.CheckMAC(t.Context(), codes(nil), "key", "SYMMETRIC_DEFAULT", material); err == nil {
		t.Error("a key that makes no codes")
	}
}
