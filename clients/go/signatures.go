package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

var errNoFit = errors.New("the signature does not fit the public key")

// A signing is a request for Sign and Verify, and a check of the signature with only the public key.
type signing struct {
	label     string
	arn       *string
	algorithm types.SigningAlgorithmSpec
	kind      types.MessageType
	message   []byte
	check     func(public, signature []byte) error
}

func signatures(w *walk) {
	digest := sha256.Sum256(plaintext)
	const raw = types.MessageTypeRaw
	pss := signing{
		"RSASSA_PSS_SHA_256", w.arns["rsa sign"], types.SigningAlgorithmSpecRsassaPssSha256, raw, plaintext, checkPSS,
	}
	w.call("GetPublicKey", func() error { return w.getPublicKey(pss.arn) })
	signature := w.sign(pss)
	w.call("Verify of another message", func() error {
		_, err := w.kms.Verify(w.ctx, &kms.VerifyInput{
			KeyId: pss.arn, SigningAlgorithm: pss.algorithm, Message: other(), Signature: signature,
		})
		return refused[*types.KMSInvalidSignatureException](err)
	})
	for _, s := range []signing{
		{"ECDSA_SHA_256", w.arns["p256 sign"], types.SigningAlgorithmSpecEcdsaSha256,
			types.MessageTypeDigest, digest[:], checkECDSA},
		{"ED25519_SHA_512", w.arns["ed25519"], types.SigningAlgorithmSpecEd25519Sha512, raw, plaintext, checkEd25519},
		{"ECDSA_SHA_256 on secp256k1", w.arns["secp256k1"], types.SigningAlgorithmSpecEcdsaSha256, raw, plaintext, nil},
		{"ML_DSA_SHAKE_256", w.arns["ml-dsa"], types.SigningAlgorithmSpecMlDsaShake256, raw, plaintext, checkMLDSA},
	} {
		w.sign(s)
	}
	w.codes(w.arns["hmac"])
}

func (w *walk) getPublicKey(arn *string) error {
	out, err := w.kms.GetPublicKey(w.ctx, &kms.GetPublicKeyInput{KeyId: arn})
	if err != nil {
		return err
	}
	public, err := parse[*rsa.PublicKey](out.PublicKey)
	if err != nil {
		return err
	}
	hasPSS := slices.Contains(out.SigningAlgorithms, types.SigningAlgorithmSpecRsassaPssSha256)
	got := []any{public.N.BitLen(), out.KeyUsage, out.KeySpec, hasPSS}
	want := []any{2048, types.KeyUsageTypeSignVerify, types.KeySpecRsa2048, true}
	return expect("the bits, the usage, and whether there is PSS", got, want)
}

// sign calls Sign, checks the signature with the public key, and calls Verify.
func (w *walk) sign(s signing) (signature []byte) {
	w.call("Sign "+s.label, func() error {
		out, err := w.kms.Sign(w.ctx, &kms.SignInput{
			KeyId: s.arn, SigningAlgorithm: s.algorithm, MessageType: s.kind, Message: s.message,
		})
		if err != nil {
			return err
		}
		signature = out.Signature
		got, want := []any{aws.ToString(out.KeyId), out.SigningAlgorithm}, []any{*s.arn, s.algorithm}
		if err := expect("the key and the algorithm", got, want); err != nil {
			return err
		}
		public, err := w.kms.GetPublicKey(w.ctx, &kms.GetPublicKeyInput{KeyId: s.arn})
		if err != nil || s.check == nil {
			return err
		}
		return s.check(public.PublicKey, signature)
	})
	w.call("Verify "+s.label, func() error {
		out, err := w.kms.Verify(w.ctx, &kms.VerifyInput{
			KeyId: s.arn, SigningAlgorithm: s.algorithm, MessageType: s.kind, Message: s.message, Signature: signature,
		})
		if err != nil {
			return err
		}
		return expect("valid", out.SignatureValid, true)
	})
	return signature
}

func checkPSS(der, signature []byte) error {
	public, err := parse[*rsa.PublicKey](der)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(plaintext)
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, options)
}

func checkECDSA(der, signature []byte) error {
	public, err := parse[*ecdsa.PublicKey](der)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(plaintext)
	if !ecdsa.VerifyASN1(public, digest[:], signature) {
		return errNoFit
	}
	return nil
}

func checkEd25519(der, signature []byte) error {
	public, err := parse[ed25519.PublicKey](der)
	if err != nil {
		return err
	}
	if !ed25519.Verify(public, plaintext, signature) {
		return errNoFit
	}
	return nil
}

// checkMLDSA checks only the size (FIPS 204, table 2).
func checkMLDSA(_, signature []byte) error {
	return expect("the number of bytes", len(signature), 2420)
}

func (w *walk) codes(arn *string) {
	const algorithm = types.MacAlgorithmSpecHmacSha256
	var mac []byte
	w.call("GenerateMac", func() error {
		out, err := w.kms.GenerateMac(w.ctx, &kms.GenerateMacInput{KeyId: arn, MacAlgorithm: algorithm, Message: plaintext})
		if err != nil {
			return err
		}
		mac = out.Mac
		return expect("the number of bytes", len(mac), 32)
	})
	w.call("VerifyMac", func() error {
		out, err := w.kms.VerifyMac(w.ctx, &kms.VerifyMacInput{
			KeyId: arn, MacAlgorithm: algorithm, Message: plaintext, Mac: mac,
		})
		if err != nil {
			return err
		}
		return expect("valid", out.MacValid, true)
	})
	w.call("VerifyMac of another message", func() error {
		_, err := w.kms.VerifyMac(w.ctx, &kms.VerifyMacInput{KeyId: arn, MacAlgorithm: algorithm, Message: other(), Mac: mac})
		return refused[*types.KMSInvalidMacException](err)
	})
}

func other() []byte { return append(slices.Clone(plaintext), '!') }
