package crypt

import (
	"bytes"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha3"
	"strings"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
	"filippo.io/mldsa/x509"
	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
)

// latticeSpec returns the spec of a file, for example ML_DSA_44 for mldsa_44_….
func latticeSpec(r *vectorRun) string {
	parts := strings.Split(r.file, "_")
	return map[string]string{"mldsa": "ML_DSA_", "mlkem": "ML_KEM_"}[parts[0]] + parts[1]
}

// Deterministic signing gives the published signature. The signature of Sign is hedged, and verifies. Vectors
// with a context are tested by their μ.
func runMLDSASign(r *vectorRun, text []byte) {
	type group struct {
		PrivateSeed     hexBytes
		PrivateKeyPKCS8 hexBytes
		PublicKey       hexBytes
		Tests           []struct {
			vector
			Msg, Mu, Ctx, Sig, Rnd hexBytes
		}
	}
	spec := latticeSpec(r)
	for _, g := range groups[group](r, text) {
		if g.PrivateKeyPKCS8 == nil && len(g.PrivateSeed) == mldsa.PrivateKeySize {
			parameters, _ := mldsaParameters(spec)
			private, err := mldsa.NewPrivateKey(parameters, g.PrivateSeed)
			if err != nil {
				r.Fatal(err)
			}
			if g.PrivateKeyPKCS8, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
				r.Fatal(err)
			}
		}
		opened, err := Open(spec, g.PrivateKeyPKCS8)
		for _, test := range g.Tests {
			if err != nil {
				r.holds(test.vector, false)
				continue
			}
			k := opened.(*MLDSAKey)
			if len(test.Ctx) > 255 {
				r.leave(1, "an ML-DSA context that is too long: the API has none")
				continue
			}
			if !bytes.Equal(k.private.Bytes(), g.PrivateSeed) || !bytes.Equal(k.private.PublicKey().Bytes(), g.PublicKey) {
				r.Errorf("%d: another key", test.ID)
			}
			r.holds(test.vector, signsLikePublished(k, test.Msg, test.Mu, test.Ctx, test.Rnd, test.Sig))
		}
	}
}

func signsLikePublished(k *MLDSAKey, msg, mu, ctx, rnd, sig []byte) bool {
	if mu == nil {
		mu = muOf(k.private.PublicKey(), ctx, msg)
	}
	if msg != nil && !bytes.Equal(mu, muOf(k.private.PublicKey(), ctx, msg)) {
		return false
	}
	published, err := k.private.SignDeterministic(mu, mldsacrypto.MLDSAMu)
	if len(rnd) > 0 && !bytes.Equal(rnd, make([]byte, 32)) {
		published = sig // hedged with a known random value, which Sign does not accept
	}
	hedged, err2 := k.Sign("ML_DSA_SHAKE_256", mu, true)
	if err != nil || err2 != nil || !bytes.Equal(published, sig) || bytes.Equal(hedged, sig) {
		return false
	}
	whole := len(ctx) > 0 || msg == nil || k.Verify("ML_DSA_SHAKE_256", msg, false, hedged) == nil && k.Verify("ML_DSA_SHAKE_256", msg, false, sig) == nil
	return whole && k.Verify("ML_DSA_SHAKE_256", mu, true, sig) == nil && k.Verify("ML_DSA_SHAKE_256", mu, true, hedged) == nil
}

// muOf returns the representative μ of a message (FIPS 204, algorithms 2 and 7).
func muOf(public *mldsa.PublicKey, ctx, msg []byte) []byte {
	tr := sha3.SumSHAKE256(public.Bytes(), 64)
	return sha3.SumSHAKE256(append(append(append(tr, 0, byte(len(ctx))), ctx...), msg...), 64)
}

func runMLDSAVerify(r *vectorRun, text []byte) {
	type group struct {
		PublicKey, PublicKeyDER hexBytes
		Tests                   []struct {
			vector
			Msg, Ctx, Sig hexBytes
		}
	}
	parameters, _ := mldsaParameters(latticeSpec(r))
	for _, g := range groups[group](r, text) {
		public, err := mldsa.NewPublicKey(parameters, g.PublicKey)
		if err == nil && g.PublicKeyDER != nil {
			if der, err := x509.MarshalPKIXPublicKey(public); err != nil || !bytes.Equal(der, g.PublicKeyDER) {
				r.Errorf("the public key is %x here, %v", der, err)
			}
		}
		for _, test := range g.Tests {
			switch {
			case err != nil:
				r.holds(test.vector, false)
			case len(test.Ctx) > 255:
				r.leave(1, "an ML-DSA context that is too long: the API has none")
			default:
				accepted := verifyMLDSA(public, muOf(public, test.Ctx, test.Msg), true, test.Sig) == nil
				if len(test.Ctx) == 0 && accepted != (verifyMLDSA(public, test.Msg, false, test.Sig) == nil) {
					r.Errorf("%d: μ is judged otherwise than the message", test.ID)
				}
				r.holds(test.vector, accepted)
			}
		}
	}
}

func runMLKEM(r *vectorRun, text []byte) {
	type group struct {
		Tests []struct {
			vector
			Seed, EK, C, K hexBytes
		}
	}
	l, _ := latticeOf(latticeSpec(r))
	for _, g := range groups[group](r, text) {
		for _, test := range g.Tests {
			material, err := l.marshal(test.Seed)
			if err != nil {
				r.Fatal(err)
			}
			var got []byte
			opened, err := Open(latticeSpec(r), material)
			if err == nil {
				k := opened.(*MLKEMKey)
				if test.EK != nil && !bytes.Equal(k.pair.public(), test.EK) {
					r.Errorf("%d: another key", test.ID)
				}
				got, err = k.Decapsulate(test.C)
			}
			r.holds(test.vector, err == nil && bytes.Equal(got, test.K))
		}
	}
}

func runMLKEMKeygen(r *vectorRun, text []byte) {
	type group struct {
		Tests []struct {
			vector
			Seed, EK hexBytes
		}
	}
	l, _ := latticeOf(latticeSpec(r))
	for _, g := range groups[group](r, text) {
		for _, test := range g.Tests {
			pair, err := l.expand(test.Seed)
			r.holds(test.vector, err == nil && bytes.Equal(pair.public(), test.EK))
		}
	}
}

// Encapsulate only supports keys of the API and chooses its own random bytes, so these vectors test the
// libraries.
func runMLKEMEncaps(r *vectorRun, text []byte) {
	type group struct {
		Tests []struct {
			vector
			M, EK, C, K hexBytes
		}
	}
	for _, g := range groups[group](r, text) {
		for _, test := range g.Tests {
			secret, ciphertext, err := encapsulateWith(latticeSpec(r), test.EK, test.M)
			r.holds(test.vector, err == nil && bytes.Equal(secret, test.K) && bytes.Equal(ciphertext, test.C))
		}
	}
}

func encapsulateWith(spec string, ek, m []byte) (secret, ciphertext []byte, err error) {
	switch spec {
	case "ML_KEM_768":
		public, err := mlkem.NewEncapsulationKey768(ek)
		if err != nil {
			return nil, nil, err
		}
		return mlkemtest.Encapsulate768(public, m)
	case "ML_KEM_1024":
		public, err := mlkem.NewEncapsulationKey1024(ek)
		if err != nil {
			return nil, nil, err
		}
		return mlkemtest.Encapsulate1024(public, m)
	}
	public := new(mlkem512.PublicKey)
	if err := public.Unpack(ek); err != nil {
		return nil, nil, err
	}
	secret, ciphertext = make([]byte, mlkem512.SharedKeySize), make([]byte, mlkem512.CiphertextSize)
	public.EncapsulateTo(ciphertext, secret, m)
	return secret, ciphertext, nil
}
