package byok

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/keyfile"
)

// wrappedFormat is the Format of a file of wrapped material.
const wrappedFormat = "keyhold-wrapped-material-v1"

// Wrapped is key material that only the server can unwrap, with everything else that
// ImportKeyMaterial needs. It contains no secret: the ID of the material is a one-way
// value, which a Keyhold server shows to everybody who may describe the key.
type Wrapped struct {
	KeyARN        string    // ARN of the key to import into
	Material      []byte    // the EncryptedKeyMaterial
	Token         []byte    // ImportToken of the parameters, unchanged
	KeyMaterialID string    // ID that a Keyhold server returns if it has this material
	PublicKey     []byte    // public key of a private key, DER SubjectPublicKeyInfo; nil for other material
	Fingerprint   string    // fingerprint of the wrapping public key
	ValidTo       time.Time // when the token expires
}

// Encode returns the file of the wrapped material, as docs/import-files.md
// describes it.
func (w *Wrapped) Encode() []byte {
	o := object{
		{"Format", wrappedFormat},
		{"KeyId", w.KeyARN},
		{"EncryptedKeyMaterial", encodeBlob(w.Material)},
		{"ImportToken", encodeBlob(w.Token)},
		{"KeyMaterialId", w.KeyMaterialID},
		{"PublicKeyFingerprint", w.Fingerprint},
		{"ParametersValidTo", w.ValidTo.UTC().Format(time.RFC3339)},
	}
	if w.PublicKey != nil {
		o = append(o, member{materialPublicKey, encodeBlob(w.PublicKey)})
	}
	return o.encode()
}

// materialPublicKey is the name of the member that only private keys have.
const materialPublicKey = "MaterialPublicKey"

// ParseWrapped reads a file of wrapped material. Any other content is an
// error.
func ParseWrapped(file []byte) (*Wrapped, error) {
	members, err := parseObject(keyfile.Text(file), wrappedFormat, []string{materialPublicKey},
		"KeyId", "EncryptedKeyMaterial", "ImportToken", "KeyMaterialId", "PublicKeyFingerprint", "ParametersValidTo")
	if err != nil {
		return nil, fmt.Errorf("byok: this is not a file of wrapped material: %w", err)
	}
	f := &fields{members: members}
	w := &Wrapped{
		KeyARN:        f.arn("KeyId"),
		Material:      f.blob("EncryptedKeyMaterial"),
		Token:         f.blob("ImportToken"),
		KeyMaterialID: f.digits("KeyMaterialId"),
		Fingerprint:   members["PublicKeyFingerprint"],
		ValidTo:       f.time("ParametersValidTo"),
	}
	if members[materialPublicKey] != "" {
		w.PublicKey = f.blob(materialPublicKey)
	}
	if f.err != nil {
		return nil, fmt.Errorf("byok: the file of wrapped material is damaged: %w", f.err)
	}
	return w, nil
}

func encodeBlob(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
