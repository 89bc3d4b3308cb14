package byok

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/keyfile"
)

// manifestFormat is the Format of a manifest.
const manifestFormat = "keyhold-import-manifest-v1"

// A Manifest describes an import for the owner of the material, who keeps the original. It contains no secret, so it
// can be committed to a repository. Its fingerprint is a one-way value of the material, which reveals nothing about
// random bytes and private keys. Material that can be guessed, such as a word, can be tested against the fingerprint.
type Manifest struct {
	KeyARN        string    // ARN of the key
	KeySpec       string    // spec of the key
	KeyMaterialID string    // ID that the server gave to the material; "" if it gave none
	Fingerprint   string    // KeyMaterialID of the material in this key, computed by this package
	PublicKey     string    // fingerprint of the public key of a private key; "" for other material
	Algorithm     Algorithm // that wrapped the material; "" if another machine wrapped it
	WrappingKey   string    // fingerprint of the public key that wrapped the material
	Imported      time.Time
	ValidTo       time.Time // zero if the material does not expire
	Shares        string    // the set of shares with the original, such as "2 of 3, set 00112233…", or ""
}

// These are the optional members of a manifest.
const (
	manifestMaterialID = "KeyMaterialId"
	manifestPublicKey  = "MaterialPublicKeyFingerprint"
	manifestAlgorithm  = "WrappingAlgorithm"
	manifestValidTo    = "ValidTo"
	manifestShares     = "Shares"
)

// Region returns the Region of the key.
func (m *Manifest) Region() string { return strings.Split(m.KeyARN, ":")[3] }

// KeyID returns the ID that the ARN of the key ends with.
func (m *Manifest) KeyID() string { return m.KeyARN[strings.LastIndex(m.KeyARN, "/")+1:] }

// Encode returns the file of the manifest, as docs/import-files.md describes it.
func (m *Manifest) Encode() []byte {
	o := object{{"Format", manifestFormat}, {"KeyId", m.KeyARN}, {"Region", m.Region()}, {"KeySpec", m.KeySpec}}
	add := func(name, text string) {
		if text != "" {
			o = append(o, member{name, text})
		}
	}
	add(manifestMaterialID, m.KeyMaterialID)
	add("MaterialFingerprint", m.Fingerprint)
	add(manifestPublicKey, m.PublicKey)
	add(manifestAlgorithm, string(m.Algorithm))
	add("WrappingKeyFingerprint", m.WrappingKey)
	add("ImportedAt", m.Imported.UTC().Format(time.RFC3339))
	if !m.ValidTo.IsZero() {
		add(manifestValidTo, m.ValidTo.UTC().Format(time.RFC3339))
	}
	add(manifestShares, m.Shares)
	return o.encode()
}

// ParseManifest reads a manifest. Any other content is an error.
func ParseManifest(file []byte) (*Manifest, error) {
	members, err := parseObject(keyfile.Text(file), manifestFormat,
		[]string{manifestMaterialID, manifestPublicKey, manifestAlgorithm, manifestValidTo, manifestShares},
		"KeyId", "Region", "KeySpec", "MaterialFingerprint", "WrappingKeyFingerprint", "ImportedAt")
	if err != nil {
		return nil, fmt.Errorf("byok: this is not a manifest of an import: %w", err)
	}
	f := &fields{members: members}
	m := &Manifest{
		KeyARN: f.arn("KeyId"), KeySpec: members["KeySpec"], KeyMaterialID: members[manifestMaterialID],
		Fingerprint: f.digits("MaterialFingerprint"), PublicKey: members[manifestPublicKey],
		Algorithm: Algorithm(members[manifestAlgorithm]), WrappingKey: members["WrappingKeyFingerprint"],
		Imported: f.time("ImportedAt"), Shares: members[manifestShares],
	}
	if members[manifestValidTo] != "" {
		m.ValidTo = f.time(manifestValidTo)
	}
	if f.err == nil && members["Region"] != m.Region() {
		f.refuse("Region", "the Region of the member KeyId")
	}
	if f.err != nil {
		return nil, fmt.Errorf("byok: the manifest is damaged: %w", f.err)
	}
	return m, nil
}

// CheckMaterial checks that the material is the one that the manifest describes.
func (m *Manifest) CheckMaterial(material []byte) error {
	got, err := KeyMaterialID(m.KeyID(), material)
	if err == nil && got != m.Fingerprint {
		err = fmt.Errorf("byok: the manifest describes other material: its fingerprint is %s, but the fingerprint of this "+
			"material is %s", m.Fingerprint, got)
	}
	return err
}
