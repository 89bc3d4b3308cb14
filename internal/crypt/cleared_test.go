package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/keyhold/keyhold/internal/secrettest"
)

// leftBy returns the copies of the secret that ends what use returns, for comparison with the copies that the libraries
// leave. use calls nothing after the code under test, because that would overwrite what remains on the stack.
func leftBy(t *testing.T, use func(run int) (secret []byte, err error)) int {
	t.Helper()
	secrets, errs := [4][]byte{}, [4]error{}
	n := secrettest.LeftWithStack(t, func(run int) { secrets[run], errs[run] = use(run) },
		func(run int) []byte { return bytes.Clone(secrets[run][max(0, len(secrets[run])-32):]) })
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return n
}

// Unwrapping leaves no more copies of the session key than the libraries do.
func TestUnwrappedSessionKeyIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	w := wrappingKey(t, "RSA_2048")
	session := func() (sessionKey, wrapped []byte) {
		sessionKey = Random(32)
		first, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &w.private.PublicKey, sessionKey, nil)
		if err != nil {
			t.Error(err)
		}
		kwp, err := subtle.NewKWP(sessionKey)
		if err != nil {
			t.Error(err)
		}
		second, err := kwp.Wrap(make([]byte, 32))
		if err != nil {
			t.Error(err)
		}
		return sessionKey, append(first, second...)
	}
	got := leftBy(t, func(int) ([]byte, error) {
		sessionKey, wrapped := session()
		_, err := w.unwrapHybrid(sha256.New(), wrapped)
		return sessionKey, err
	})
	want := leftBy(t, func(int) ([]byte, error) {
		sessionKey, wrapped := session()
		opened, err := rsa.DecryptOAEP(sha256.New(), nil, w.private, wrapped[:256], nil)
		if err != nil {
			return nil, err
		}
		kwp, err := subtle.NewKWP(opened)
		if err != nil {
			return nil, err
		}
		_, err = kwp.Unwrap(wrapped[256:])
		clear(opened)
		return sessionKey, err
	})
	if got > want {
		t.Errorf("%d copies of the session key remain, want %d", got, want)
	}
}

// Deriving the key of a message leaves the copies in its cipher, and no others. The states of HMAC, which are used
// again, keep nothing of the message.
func TestMessageKeyIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	k, err := NewSymmetricKey(Random(32))
	if err != nil {
		t.Fatal(err)
	}
	messages := make([]Message, 8)
	for i := range messages {
		if messages[i], err = NewMessage(BlobHeader{Account: "111122223333", KeyID: string(make([]byte, 36)),
			MaterialID: string(bytes.Repeat([]byte("0"), 64))}, nil); err != nil {
			t.Fatal(err)
		}
	}
	derive := func(m Message) []byte {
		out := make([]byte, 64)
		k.expand(append([]byte(blobInfo), m.associated[:commitOffset]...), out)
		return out[:32]
	}
	var ciphers [8]cipher.AEAD
	got := leftBy(t, func(run int) ([]byte, error) {
		var err error
		ciphers[run], _, err = messages[run].key(k)
		return derive(messages[run]), err
	})
	want := leftBy(t, func(run int) ([]byte, error) {
		derived := derive(messages[4+run])
		block, err := aes.NewCipher(derived)
		if err != nil {
			return nil, err
		}
		ciphers[4+run], err = cipher.NewGCMWithRandomNonce(block)
		return derived, err
	})
	if got > want {
		t.Errorf("%d copies of the key of a message remain, want %d", got, want)
	}
	if len(k.free) != 1 || k.free[0].block != [32]byte{} || k.free[0].counter != [1]byte{} {
		t.Errorf("%d states of HMAC are kept, and the first is not cleared", len(k.free))
	}
	for range 100 {
		k.give(&expander{block: [32]byte{7}, counter: [1]byte{7}})
	}
	if len(k.free) != 64 || slices.ContainsFunc(k.free, func(e *expander) bool { return e.block[0] != 0 || e.counter[0] != 0 }) {
		t.Errorf("%d states of HMAC are kept, want 64 that are cleared", len(k.free))
	}
}

// Generating a key pair leaves no more copies of its secret than the libraries do.
func TestGeneratedSecretsAreCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	l, _ := latticeOf("ML_KEM_768")
	for spec, like := range map[string]func() ([]byte, error){
		"ECC_NIST_EDWARDS25519": func() ([]byte, error) {
			_, private, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				return nil, err
			}
			defer clear(private)
			return x509.MarshalPKCS8PrivateKey(private)
		},
		"ML_KEM_768": func() ([]byte, error) {
			seed := Random(64)
			der, err := l.marshal(seed)
			clear(seed)
			return der, err
		},
	} {
		got := leftBy(t, func(int) ([]byte, error) { return Generate(spec) })
		want := leftBy(t, func(int) ([]byte, error) { return like() })
		if got > want {
			t.Errorf("%s: %d copies of the seed remain, want %d", spec, got, want)
		}
	}
}

// Generating an RSA key pair clears the private exponent.
func TestGeneratedExponentIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	left := func(generate func() ([]byte, error)) int {
		var der []byte
		secrettest.Alone(func() {
			var err error
			if der, err = generate(); err != nil {
				t.Error(err)
			}
		})
		k, err := parsePKCS8[*rsa.PrivateKey](der)
		if err != nil {
			t.Fatal(err)
		}
		d := k.D.Bytes()
		slices.Reverse(d) // as package big keeps it in memory
		return secrettest.Copies(t, secrettest.Of(d[32:64]))
	}
	kept := left(func() ([]byte, error) {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(k)
	})
	if got := left(func() ([]byte, error) { return Generate("RSA_2048") }); got >= kept {
		t.Errorf("%d copies of the private exponent remain, as many as without clearing", got)
	}
}

// Destroy clears the memory that it can reach, and drops the rest. A destroyed key on a NIST curve signs nothing.
func TestDestroy(t *testing.T) {
	zero := func(n *big.Int) bool {
		return !slices.ContainsFunc(n.Bits()[:cap(n.Bits())], func(w big.Word) bool { return w != 0 })
	}
	for _, spec := range specs {
		if spec == "RSA_3072" || spec == "RSA_4096" {
			continue // like RSA_2048, but slower
		}
		key, err := Open(spec, generate(t, spec))
		if err != nil {
			t.Fatal(err)
		}
		var left bool
		switch k := key.(type) {
		case *SymmetricKey:
			k.expand(nil, make([]byte, 32))
			prk := k.prk
			k.Destroy()
			left = !bytes.Equal(prk, make([]byte, 32)) || k.free != nil
		case *HMACKey:
			k.MAC(nil)
			material := k.material
			k.Destroy()
			left = !bytes.Equal(material, make([]byte, len(material))) || k.free != nil
		case *RSAKey:
			k.Destroy()
			left = !zero(k.private.D) || slices.ContainsFunc(k.private.Primes, func(p *big.Int) bool { return !zero(p) }) ||
				k.private.Precomputed.Dp != nil
		case *NISTKey:
			k.Destroy()
			signature, err := k.Sign("", make([]byte, 32), false)
			//lint:ignore SA1019 see Destroy
			left = !zero(k.private.D) || k.agreement != nil || signature != nil || err == nil
		case *Secp256k1Key:
			k.Destroy()
			left = !k.private.Key.IsZero()
		case *Ed25519Key:
			k.Destroy()
			left = !bytes.Equal(k.private[:32], make([]byte, 32))
		case *MLDSAKey:
			k.Destroy()
			left = k.private != nil
		case *MLKEMKey:
			k.Destroy()
			left = k.pair != nil
		default:
			t.Errorf("%s: %T", spec, key)
		}
		if left {
			t.Errorf("%s: Destroy leaves the key", spec)
		}
	}
}
