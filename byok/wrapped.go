package byok

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/keyfile"
)

// wrappedFormat is the Format of a file of wrapped material.
const wrappedFormat = "keyhold-wrapped-material-v1"

// Wrapped is key material that only the server can unwrap, and all else that
// ImportKeyMaterial needs. It holds no secret: the ID of the material is a one-way
// value, which a Keyhold server shows to whoever may describe the key.
type Wrapped struct {
	KeyARN        string    // of the key that the material is for
	Material      []byte    // the EncryptedKeyMaterial
	Token         []byte    // the ImportToken, as it came
	KeyMaterialID string    // that a Keyhold server answers if it holds this material
	PublicKey     []byte    // of the material, DER SubjectPublicKeyInfo; nil if it is no private key
	Fingerprint   string    // of the public key that the material is wrapped under
	ValidTo       time.Time // the end of the token
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

// materialPublicKey is the member that is there for private keys alone.
const materialPublicKey = "MaterialPublicKey"

// ParseWrapped reads a file of wrapped material. What is not exactly one is an
// error.
func ParseWrapped(file []byte) (*Wrapped, error) {
	members, err := parseObject(keyfile.Text(file), wrappedFormat, materialPublicKey,
		"KeyId", "EncryptedKeyMaterial", "ImportToken", "KeyMaterialId", "PublicKeyFingerprint", "ParametersValidTo")
	if err != nil {
		return nil, fmt.Errorf("byok: this is no file of wrapped material: %w", err)
	}
	f := &fields{members: members}
	w := &Wrapped{
		KeyARN:        f.arn("KeyId"),
		Material:      f.blob("EncryptedKeyMaterial"),
		Token:         f.blob("ImportToken"),
		KeyMaterialID: members["KeyMaterialId"],
		Fingerprint:   members["PublicKeyFingerprint"],
		ValidTo:       f.time("ParametersValidTo"),
	}
	if members[materialPublicKey] != "" {
		w.PublicKey = f.blob(materialPublicKey)
	}
	if id, err := hex.DecodeString(w.KeyMaterialID); err != nil || hex.EncodeToString(id) != w.KeyMaterialID || len(id) != 32 {
		f.refuse("KeyMaterialId", "64 lower-case hexadecimal digits")
	}
	if f.err != nil {
		return nil, fmt.Errorf("byok: the file of wrapped material is damaged: %w", f.err)
	}
	return w, nil
}

func encodeBlob(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
