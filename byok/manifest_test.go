package byok_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/byok"
)

func manifest(t *testing.T) *byok.Manifest {
	t.Helper()
	id, err := byok.KeyMaterialID(keyID, countingBytes(32))
	if err != nil {
		t.Fatal(err)
	}
	return &byok.Manifest{
		KeyARN: keyARN, KeySpec: "SYMMETRIC_DEFAULT", KeyMaterialID: id, Fingerprint: id,
		Algorithm: byok.RSAESOAEPSHA256, WrappingKey: byok.Fingerprint([]byte("a public key")),
		Imported: time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC), ValidTo: time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC),
		Shares: "2 of 3, set 00112233445566778899aabbccddeeff",
	}
}

func TestManifest(t *testing.T) {
	full := manifest(t)
	full.PublicKey = byok.Fingerprint([]byte("another public key"))
	least := manifest(t)
	least.KeyMaterialID, least.Algorithm, least.ValidTo, least.Shares = "", "", time.Time{}, ""
	for _, m := range []*byok.Manifest{full, least} {
		read, err := byok.ParseManifest(m.Encode())
		if err != nil || !reflect.DeepEqual(read, m) || read.Region() != "eu-west-2" || read.KeyID() != keyID {
			t.Errorf("%+v, %v", read, err)
		}
	}
	if bytes.Contains(full.Encode(), countingBytes(8)) {
		t.Error("the manifest has the material")
	}
}

func TestManifestChecksMaterial(t *testing.T) {
	m := manifest(t)
	if err := m.CheckMaterial(countingBytes(32)); err != nil {
		t.Error(err)
	}
	if err := m.CheckMaterial(countingBytes(33)[1:]); err == nil || !strings.Contains(err.Error(), "describes other material") {
		t.Error(err)
	}
}

func TestParseManifestRefuses(t *testing.T) {
	text := string(manifest(t).Encode())
	for name, test := range map[string]struct{ old, new, want string }{
		"another version":   {"manifest-v1", "manifest-v2", `its Format is "keyhold-import-manifest-v2"`},
		"another Region":    {`"Region": "eu-west-2"`, `"Region": "eu-west-1"`, "the member Region is not the Region of the member KeyId"},
		"no ARN":            {"arn:aws:kms:", "arn:aws:s3:", "the member KeyId is not the ARN of a key"},
		"an unknown member": {`"KeySpec"`, `"Keyspec": "x", "KeySpec"`, `the member "Keyspec" is unknown`},
		"a missing member":  {`"KeySpec": "SYMMETRIC_DEFAULT",`, "", "the member KeySpec is missing"},
		"a repeated member": {`"KeySpec"`, `"KeySpec": "RSA_2048", "KeySpec"`, "is repeated"},
		"an empty member":   {`"Shares": "2 of 3, set 00112233445566778899aabbccddeeff"`, `"Shares": ""`, "the member Shares is empty"},
		"no fingerprint":    {`"MaterialFingerprint": "`, `"MaterialFingerprint": "A`, "the member MaterialFingerprint is not 64"},
		"no time":           {`"ValidTo": "2030`, `"ValidTo": "x2030`, "the member ValidTo is not a time"},
		"text after":        {"}\n", "}\n}", "something follows"},
	} {
		if !strings.Contains(text, test.old) {
			t.Fatalf("%s: no %q in %s", name, test.old, text)
		}
		got, err := byok.ParseManifest([]byte(strings.Replace(text, test.old, test.new, 1)))
		if got != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
