package custody

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/keyhold/keyhold/internal/seal"
)

// A storageKey is the storage root key of a TPM: the parent of sealed objects. The TPM derives it from its seed by a
// template of the TCG, so it is the same after each start.
type storageKey struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
	public tpm2.TPMTPublic
}

func loadStorageKey(t transport.TPM) (k storageKey, err error) {
	made, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}.Execute(t)
	if err != nil {
		return k, err
	}
	public, err := made.OutPublic.Contents()
	if err != nil {
		return k, err
	}
	return storageKey{made.ObjectHandle, made.Name, *public}, nil
}

func flush(t transport.TPM, handle tpm2.TPMHandle) error {
	_, err := tpm2.FlushContext{FlushHandle: handle}.Execute(t)
	return err
}

func (k storageKey) authorised() tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: k.handle, Name: k.name, Auth: tpm2.PasswordAuth(nil)}
}

// nonceSize is the size in bytes of the nonces of a session.
const nonceSize = 16

// encrypted are the options of a session that encrypts the secret on its way to the TPM or from it.
func (k storageKey) encrypted(options ...tpm2.AuthOption) []tpm2.AuthOption {
	return append(options, tpm2.Salted(k.handle, k.public))
}

func selection(pcrs []uint) tpm2.TPMLPCRSelection {
	return tpm2.TPMLPCRSelection{PCRSelections: []tpm2.TPMSPCRSelection{
		{Hash: tpm2.TPMAlgSHA256, PCRSelect: tpm2.PCClientCompatible.PCRs(pcrs...)},
	}}
}

// readPCRs returns the values of PCRs. A TPM returns at most eight at once.
func readPCRs(t transport.TPM, pcrs []uint) (values [][]byte, err error) {
	for part := range slices.Chunk(pcrs, 8) {
		out, err := tpm2.PCRRead{PCRSelectionIn: selection(part)}.Execute(t)
		if err != nil {
			return nil, err
		}
		for _, d := range out.PCRValues.Digests {
			values = append(values, d.Buffer)
		}
	}
	if len(values) != len(pcrs) {
		return nil, errNoBank
	}
	return values, nil
}

// demand makes a session demand the values of the PCRs and the authorisation value.
func demand(t transport.TPM, session tpm2.TPMISHPolicy, pcrs []uint, digest []byte) error {
	_, err := tpm2.PolicyPCR{
		PolicySession: session, Pcrs: selection(pcrs), PcrDigest: tpm2.TPM2BDigest{Buffer: digest},
	}.Execute(t)
	if err == nil {
		_, err = tpm2.PolicyAuthValue{PolicySession: session}.Execute(t)
	}
	return err
}

// policyOf returns the digest of the policy of demand.
func policyOf(t transport.TPM, pcrs []uint, values [][]byte) (digest tpm2.TPM2BDigest, err error) {
	session, end, err := tpm2.PolicySession(t, tpm2.TPMAlgSHA256, nonceSize, tpm2.Trial())
	if err != nil {
		return digest, err
	}
	defer func() {
		if e := end(); err == nil {
			err = e
		}
	}()
	sum := sha256.Sum256(bytes.Join(values, nil))
	if err := demand(t, session.Handle(), pcrs, sum[:]); err != nil {
		return digest, err
	}
	out, err := tpm2.PolicyGetDigest{PolicySession: session.Handle()}.Execute(t)
	if err != nil {
		return digest, err
	}
	return out.PolicyDigest, nil
}

// sealTo seals a key, which only this TPM opens, with these values in its PCRs, and with the authorisation value.
func sealTo(t transport.TPM, srk storageKey, pcrs []uint, values [][]byte, auth, key []byte) ([]byte, error) {
	policy, err := policyOf(t, pcrs, values)
	if err != nil {
		return nil, err
	}
	b := tpmBlob{pcrs: pcrs, values: values}
	secret := append(bytes.Clone(key), b.digest()...)
	defer clear(secret)
	made, err := tpm2.Create{
		ParentHandle: srk.authorised(),
		InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
			UserAuth: tpm2.TPM2BAuth{Buffer: auth},
			Data:     tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: secret}),
		}},
		InPublic: tpm2.New2B(tpm2.TPMTPublic{
			Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256, AuthPolicy: policy,
			ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true}, // guesses count towards the lockout
		}),
	}.Execute(t, tpm2.HMAC(tpm2.TPMAlgSHA256, nonceSize, srk.encrypted(tpm2.AESEncryption(128, tpm2.EncryptIn))...))
	if err != nil {
		return nil, err
	}
	b.public, b.private = made.OutPublic.Bytes(), made.OutPrivate.Buffer
	return b.encode(), nil
}

// unseal returns the key. A damaged blob is seal.ErrOpen.
func (b tpmBlob) unseal(t transport.TPM, srk storageKey, auth []byte) (key []byte, err error) {
	loaded, err := tpm2.Load{
		ParentHandle: srk.authorised(),
		InPrivate:    tpm2.TPM2BPrivate{Buffer: b.private},
		InPublic:     tpm2.BytesAs2B[tpm2.TPMTPublic](b.public),
	}.Execute(t)
	if err != nil {
		return nil, damaged(err)
	}
	defer func() {
		if e := flush(t, loaded.ObjectHandle); err == nil {
			err = e
		}
	}()
	check := func(t transport.TPM, session tpm2.TPMISHPolicy, _ tpm2.TPM2BNonce) error {
		return demand(t, session, b.pcrs, nil)
	}
	options := srk.encrypted(tpm2.Auth(auth), tpm2.AESEncryption(128, tpm2.EncryptOut))
	out, err := tpm2.Unseal{ItemHandle: tpm2.AuthHandle{
		Handle: loaded.ObjectHandle, Name: loaded.Name,
		Auth: tpm2.Policy(tpm2.TPMAlgSHA256, nonceSize, check, options...),
	}}.Execute(t)
	if err != nil {
		return nil, err
	}
	secret := out.OutData.Buffer
	if len(secret) != keySize+sha256.Size || !bytes.Equal(secret[keySize:], b.digest()) {
		clear(secret)
		return nil, seal.ErrOpen
	}
	return secret[:keySize], nil
}

// A tpmBlob is a sealed key: the PCRs (3 bytes, PCR 0 is the lowest bit of the first), their values (32 bytes each),
// and the public and private part of the sealed object, each with its size in front (2 bytes, big-endian). The sealed
// object has the key, and the digest of the PCRs and their values, which only serve messages.
type tpmBlob struct {
	pcrs            []uint
	values          [][]byte
	public, private []byte
}

const maskSize = mostPCRs / 8

func (b tpmBlob) header() []byte {
	return append(tpm2.PCClientCompatible.PCRs(b.pcrs...), bytes.Join(b.values, nil)...)
}

func (b tpmBlob) digest() []byte {
	sum := sha256.Sum256(b.header())
	return sum[:]
}

func (b tpmBlob) encode() []byte {
	out := b.header()
	for _, part := range [][]byte{b.public, b.private} {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(part))), part...)
	}
	return out
}

func parseTPMBlob(text []byte) (b tpmBlob, ok bool) {
	if len(text) < maskSize {
		return b, false
	}
	for n := range uint(mostPCRs) {
		if text[n/8]>>(n%8)&1 == 1 {
			b.pcrs = append(b.pcrs, n)
		}
	}
	text = text[maskSize:]
	for range b.pcrs {
		if len(text) < sha256.Size {
			return b, false
		}
		b.values, text = append(b.values, text[:sha256.Size]), text[sha256.Size:]
	}
	for _, part := range []*[]byte{&b.public, &b.private} {
		if len(text) < 2 || len(text)-2 < int(binary.BigEndian.Uint16(text)) {
			return b, false
		}
		size := 2 + int(binary.BigEndian.Uint16(text))
		*part, text = text[2:size], text[size:]
	}
	return b, len(text) == 0 && len(b.pcrs) > 0
}
