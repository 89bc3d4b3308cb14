package byok

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/keyfile"
	"github.com/keyhold/keyhold/internal/privatekey"
)

// parametersFormat is the Format of a file of parameters.
const parametersFormat = "keyhold-import-parameters-v1"

// Parameters are the response of GetParametersForImport, and everything that is needed to
// wrap material for the key. They contain no secret.
type Parameters struct {
	KeyARN    string    // ARN of the key to import into
	KeySpec   string    // spec of the key, such as SYMMETRIC_DEFAULT
	Algorithm Algorithm // wrapping algorithm in the request
	PublicKey []byte    // DER SubjectPublicKeyInfo
	Token     []byte    // the ImportToken
	ValidTo   time.Time // when public key and token expire, 24 hours after they were made
}

// Encode returns the file of the parameters, as docs/import-files.md describes it.
func (p *Parameters) Encode() []byte {
	return object{
		{"Format", parametersFormat},
		{"KeyId", p.KeyARN},
		{"KeySpec", p.KeySpec},
		{"WrappingAlgorithm", string(p.Algorithm)},
		{"PublicKey", encodeBlob(p.PublicKey)},
		{"PublicKeyFingerprint", Fingerprint(p.PublicKey)},
		{"ImportToken", encodeBlob(p.Token)},
		{"ParametersValidTo", p.ValidTo.UTC().Format(time.RFC3339)},
	}.encode()
}

// ParseParameters reads a file of parameters from Encode, or the response of
// GetParametersForImport as the AWS CLI prints it. The answer names neither the spec of
// the key nor the algorithm: both are empty, and the caller sets them before Wrap. Any
// other file is an error, and so is a fingerprint that does not match the public key.
func ParseParameters(file []byte) (*Parameters, error) {
	file = keyfile.Text(file)
	if p, ok, err := parseAnswer(file); ok {
		if err != nil {
			return nil, fmt.Errorf("byok: the answer of GetParametersForImport is damaged: %w", err)
		}
		return p, nil
	}
	members, err := parseObject(file, parametersFormat, nil,
		"KeyId", "KeySpec", "WrappingAlgorithm", "PublicKey", "PublicKeyFingerprint", "ImportToken", "ParametersValidTo")
	if err != nil {
		return nil, fmt.Errorf("byok: this is not a file of import parameters: %w", err)
	}
	f := &fields{members: members}
	p := &Parameters{
		KeyARN:    f.arn("KeyId"),
		KeySpec:   members["KeySpec"],
		Algorithm: Algorithm(members["WrappingAlgorithm"]),
		PublicKey: f.blob("PublicKey"),
		Token:     f.blob("ImportToken"),
		ValidTo:   f.time("ParametersValidTo"),
	}
	if members["PublicKeyFingerprint"] != Fingerprint(p.PublicKey) {
		f.refuse("PublicKeyFingerprint", "the fingerprint of the member PublicKey, so one of the two was changed")
	}
	if f.err != nil {
		return nil, fmt.Errorf("byok: the file of import parameters is damaged: %w", f.err)
	}
	return p, nil
}

// Wrap wraps material, as [Original.Material] returns it: as many bytes as [MaterialSizes] says or, for a key spec
// that has private keys, PKCS #8 in DER. It does not change the material, and errors contain nothing of it.
func (p *Parameters) Wrap(material []byte) (*Wrapped, error) {
	w := &Wrapped{KeyARN: p.KeyARN, Token: p.Token, Fingerprint: Fingerprint(p.PublicKey), ValidTo: p.ValidTo}
	keyID, err := keyIDOf(p.KeyARN)
	if err != nil {
		return nil, err
	}
	if privatekey.Known(p.KeySpec) {
		k, err := privatekey.Parse(p.KeySpec, material)
		if err != nil {
			return nil, fmt.Errorf("byok: %w", err)
		}
		defer clear(k.PKCS8)
		material, w.PublicKey = k.PKCS8, k.PublicKey
	} else if err := checkSize(p.KeySpec, material); err != nil {
		return nil, err
	}
	if w.KeyMaterialID, err = KeyMaterialID(keyID, material); err != nil {
		return nil, err
	}
	w.Material, err = Wrap(p.PublicKey, p.Algorithm, material)
	if err != nil {
		return nil, err
	}
	return w, nil
}

func checkSize(keySpec string, material []byte) error {
	least, most, err := MaterialSizes(keySpec)
	switch n := len(material); {
	case err != nil || n >= least && n <= most:
		return err
	case least == most:
		return fmt.Errorf("byok: key material of the spec %s has %d bytes, not %d", keySpec, least, n)
	default:
		return fmt.Errorf("byok: key material of the spec %s has %d to %d bytes, not %d", keySpec, least, most, n)
	}
}

// keyIDOf returns the key ID that the ARN of a key ends with.
func keyIDOf(arn string) (string, error) {
	// arn:PARTITION:kms:REGION:ACCOUNT:key/ID
	parts := strings.Split(arn, ":")
	if len(parts) == 6 && parts[0] == "arn" && parts[2] == "kms" {
		if id, ok := strings.CutPrefix(parts[5], "key/"); ok && len(id) == keyIDLength {
			return id, nil
		}
	}
	return "", fmt.Errorf("byok: %q is not the ARN of a key", arn)
}
