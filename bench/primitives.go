package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"time"

	"filippo.io/mldsa"
	"golang.org/x/sys/unix"
)

// An algorithm signs messages, or computes their MACs, with keys of one spec.
type algorithm struct {
	name, usage string
	size        int // size of a signature or MAC
	// primitive creates a key and returns the function that signs a message with it. It uses the same library
	// as keyhold, and nothing else.
	primitive func() (func(message []byte) error, error)
}

// algorithms lists the measured algorithms by key spec.
var algorithms = map[string]algorithm{
	"RSA_2048":              {"RSASSA_PSS_SHA_256", "SIGN_VERIFY", 256, signRSA},
	"ECC_NIST_P256":         {"ECDSA_SHA_256", "SIGN_VERIFY", 71, signECDSA},
	"ECC_NIST_EDWARDS25519": {"ED25519_SHA_512", "SIGN_VERIFY", 64, signEd25519},
	"ML_DSA_65":             {"ML_DSA_SHAKE_256", "SIGN_VERIFY", 3309, signMLDSA},
	"HMAC_256":              {"HMAC_SHA_256", "GENERATE_VERIFY_MAC", 32, computeHMAC},
}

func signRSA() (func([]byte) error, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return func(message []byte) error {
		digest := sha256.Sum256(message)
		_, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], options)
		return err
	}, err
}

func signECDSA() (func([]byte) error, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return func(message []byte) error {
		digest := sha256.Sum256(message)
		_, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		return err
	}, err
}

func signEd25519() (func([]byte) error, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return func(message []byte) error {
		_, err := key.Sign(nil, message, &ed25519.Options{})
		return err
	}, err
}

func signMLDSA() (func([]byte) error, error) {
	key, err := mldsa.GenerateKey(mldsa.MLDSA65())
	return func(message []byte) error {
		_, err := key.Sign(nil, message, nil)
		return err
	}, err
}

// computeHMAC reuses its state for all messages, as fast implementations do.
func computeHMAC() (func([]byte) error, error) {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	state := hmac.New(sha256.New, key)
	return func(message []byte) error {
		state.Reset()
		state.Write(message)
		state.Sum(nil)
		return nil
	}, nil
}

// cost returns the processor time of one call in one goroutine, including garbage collection. It measures after
// the first quarter of the time.
func cost(call func(message []byte) error, length time.Duration) (time.Duration, error) {
	if _, err := repeat(call, length/4); err != nil {
		return 0, err
	}
	before := ownTime()
	calls, err := repeat(call, length)
	return (ownTime() - before) / time.Duration(calls), err
}

// repeat calls for this long. It does not check the clock after every call.
func repeat(call func(message []byte) error, length time.Duration) (calls int, err error) {
	message := make([]byte, 64)
	for begun := time.Now(); time.Since(begun) < length; {
		for range 16 {
			if err := call(message); err != nil {
				return 1, err
			}
			calls++
		}
	}
	return max(1, calls), nil
}

// ownTime returns the processor time of this process.
func ownTime() time.Duration {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
