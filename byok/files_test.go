package byok_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/byok"
)

const keyARN = "arn:aws:kms:eu-west-2:111122223333:key/" + keyID

// parameters returns parameters that a server could have sent, and the file of the private key
// that belongs to the public key.
func parameters(t *testing.T) (p *byok.Parameters, privateFile string) {
	public, privateFile := generate(t, 2048)
	return &byok.Parameters{
		KeyARN: keyARN, KeySpec: "SYMMETRIC_DEFAULT", Algorithm: byok.RSAESOAEPSHA256, PublicKey: public,
		Token: []byte("a token <&>"), ValidTo: time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC),
	}, privateFile
}

// OpenSSL computes the same fingerprint, a SHA-256.
func TestFingerprint(t *testing.T) {
	public, _ := generate(t, 2048)
	cmd := exec.CommandContext(t.Context(), "openssl", "dgst", "-sha256", "-r")
	cmd.Stdin = bytes.NewReader(public)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want, _, _ := strings.Cut(string(out), " ")
	got := byok.Fingerprint(public)
	if strings.ReplaceAll(got, " ", "") != want || len(strings.Fields(got)) != 16 || len(got) != 79 {
		t.Errorf("%q, not %s in groups", got, want)
	}
}

// Material that passes through the two files can be unwrapped with OpenSSL, and is unchanged.
func TestHalves(t *testing.T) {
	p, privateFile := parameters(t)
	read, err := byok.ParseParameters(p.Encode())
	if err != nil || !reflect.DeepEqual(read, p) {
		t.Fatalf("%+v, %v", read, err)
	}
	w, err := read.Wrap(countingBytes(32))
	if err != nil {
		t.Fatal(err)
	}
	id, err := byok.KeyMaterialID(keyID, countingBytes(32))
	if err != nil {
		t.Fatal(err)
	}
	want := &byok.Wrapped{
		KeyARN: keyARN, Material: w.Material, Token: p.Token, KeyMaterialID: id,
		Fingerprint: byok.Fingerprint(p.PublicKey), ValidTo: p.ValidTo,
	}
	got, err := byok.ParseWrapped(w.Encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	if opened, err := opensslDecrypt(privateFile, "sha256", got.Material); !bytes.Equal(opened, countingBytes(32)) || err != nil {
		t.Errorf("OpenSSL opens it to %x, %v", opened, err)
	}
}

func TestParametersWrapRefuses(t *testing.T) {
	p, _ := parameters(t)
	for name, test := range map[string]struct {
		change func(*byok.Parameters)
		size   int
		want   string
	}{
		"a byte short":      {func(*byok.Parameters) {}, 31, "has 32 bytes, not 31"},
		"a byte long":       {func(*byok.Parameters) {}, 33, "has 32 bytes, not 33"},
		"nothing":           {func(*byok.Parameters) {}, 0, "has 32 bytes, not 0"},
		"HMAC":              {func(p *byok.Parameters) { p.KeySpec = "HMAC_512" }, 63, "has 64 to 128 bytes, not 63"},
		"a long HMAC key":   {func(p *byok.Parameters) { p.KeySpec = "HMAC_512" }, 129, "has 64 to 128 bytes, not 129"},
		"an unknown spec":   {func(p *byok.Parameters) { p.KeySpec = "HMAC_128" }, 32, `byok: key material of the spec "HMAC_128" is not supported`},
		"no spec":           {func(p *byok.Parameters) { p.KeySpec = "" }, 32, `byok: key material of the spec "" is not supported`},
		"a private key":     {func(p *byok.Parameters) { p.KeySpec = "RSA_2048" }, 32, "the private key is not PKCS #8 in DER"},
		"an alias":          {func(p *byok.Parameters) { p.KeyARN = "arn:aws:kms:eu-west-2:111122223333:alias/a" }, 32, "is not the ARN of a key"},
		"of something else": {func(p *byok.Parameters) { p.KeyARN = "arn:aws:s3:eu-west-2:111122223333:key/" + keyID }, 32, "is not the ARN of a key"},
		"no ARN":            {func(p *byok.Parameters) { p.KeyARN = "a:b:kms:c:d:key/" + keyID }, 32, "is not the ARN of a key"},
		"half an ARN":       {func(p *byok.Parameters) { p.KeyARN = "arn:aws:kms:eu-west-2" }, 32, "is not the ARN of a key"},
		"a key ID":          {func(p *byok.Parameters) { p.KeyARN = keyID }, 32, "is not the ARN of a key"},
		"another algorithm": {func(p *byok.Parameters) { p.Algorithm = "RSAES_PKCS1_V1_5" }, 32, "unknown wrapping algorithm"},
		"no public key":     {func(p *byok.Parameters) { p.PublicKey = nil }, 32, "is not DER"},
	} {
		changed := *p
		test.change(&changed)
		if w, err := changed.Wrap(countingBytes(test.size)); w != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Other programs read the files as JSON objects of strings.
func TestFilesAreJSON(t *testing.T) {
	p, _ := parameters(t)
	var members map[string]string
	if err := json.Unmarshal(p.Encode(), &members); err != nil {
		t.Fatal(err)
	}
	if public, err := base64.StdEncoding.DecodeString(members["PublicKey"]); !bytes.Equal(public, p.PublicKey) || err != nil || len(members) != 8 {
		t.Errorf("%d members, %v", len(members), err)
	}
}

// Every change of a file is an error that names the change.
func TestParseRefuses(t *testing.T) {
	p, _ := parameters(t)
	w, err := p.Wrap(countingBytes(32))
	if err != nil {
		t.Fatal(err)
	}
	parse := map[string]func([]byte) error{
		"parameters": func(b []byte) error { _, err := byok.ParseParameters(b); return err },
		"wrapped":    func(b []byte) error { _, err := byok.ParseWrapped(b); return err },
	}
	files := map[string]string{"parameters": string(p.Encode()), "wrapped": string(w.Encode())}
	fingerprint := byok.Fingerprint(p.PublicKey)
	for _, test := range []struct{ file, old, new, want string }{
		{"parameters", `{`, `{5: "x", `, "this is not a file of import parameters: it is not valid JSON from byte"},
		{"parameters", `"Format"`, `"": "hello", "Format"`, `the member "" is unknown`},
		{"wrapped", `"Format"`, `"Comment": "hello", "Format"`, `the member "Comment" is unknown`},
		{"wrapped", `"Format"`, `"": "hello", "Format"`, `the member "" is unknown`},
		{"wrapped", `"Format"`, `"MaterialPublicKey": "", "Format"`, "the member MaterialPublicKey is empty"},
		{"wrapped", `"Format"`, `"MaterialPublicKey": "%", "Format"`, "the member MaterialPublicKey is not base64"},
		{"parameters", "{", "[", "it is not a JSON object"},
		{"parameters", `"KeySpec": "SYMMETRIC_DEFAULT",` + "\n", "", "the member KeySpec is missing or empty"},
		{"parameters", "SYMMETRIC_DEFAULT", "", "the member KeySpec is missing or empty"},
		{"parameters", `"Format"`, `"Comment": "hello", "Format"`, `the member "Comment" is unknown`},
		{"parameters", `"Format"`, `"format"`, "the member Format is missing"},
		{"parameters", `"KeyId"`, `"keyId"`, `the member "keyId" is unknown`},
		{"parameters", `"Format"`, `"KeySpec": "HMAC_512", "Format"`, `the member "KeySpec" is repeated`},
		{"parameters", "parameters-v1", "parameters-v2", `its Format is "keyhold-import-parameters-v2", not "keyhold-import-parameters-v1"`},
		{"parameters", `"SYMMETRIC_DEFAULT"`, "1", `the member "KeySpec": it is not text`},
		{"parameters", `"SYMMETRIC_DEFAULT"`, `{"a": "b"}`, `the member "KeySpec": it is not text`},
		{"parameters", "SYMMETRIC", "\xff", "it is not text in UTF-8"},
		{"parameters", "}\n", "", "it is not valid JSON from byte"},
		{"parameters", "}\n", "}{}", "something follows the JSON object"},
		{"parameters", "key/" + keyID, "alias/mine", "the member KeyId is not the ARN of a key"},
		{"parameters", keyID, keyID[1:], "the member KeyId is not the ARN of a key"},
		{"parameters", `"PublicKey": "M`, `"PublicKey": "N`, "the member PublicKeyFingerprint is not the fingerprint of the member PublicKey"},
		{"parameters", fingerprint[:4], "0000", "the member PublicKeyFingerprint is not the fingerprint of the member PublicKey"},
		{"parameters", `"PublicKey": "M`, `"PublicKey": "M\n`, "the member PublicKey is not base64"},
		{"parameters", `"ImportToken": "Y`, `"ImportToken": "%`, "the member ImportToken is not base64"},
		{"parameters", "2030-01-31T12:00:00Z", "31.1.2030", "the member ParametersValidTo is not a time such as"},
		{"wrapped", "wrapped-material", "import-parameters", `not "keyhold-wrapped-material-v1"`},
		{"wrapped", "key/" + keyID, "alias/mine", "the member KeyId is not the ARN of a key"},
		{"wrapped", w.KeyMaterialID, w.KeyMaterialID[2:], "the member KeyMaterialId is not 64 lower-case hexadecimal digits"},
		{"wrapped", w.KeyMaterialID, strings.ToUpper(w.KeyMaterialID), "the member KeyMaterialId is not 64 lower-case hexadecimal digits"},
		{"wrapped", `"ImportToken": "Y`, `"ImportToken": "%`, "the member ImportToken is not base64"},
		{"wrapped", "2030-01-31T12:00:00Z", "", "the member ParametersValidTo is missing or empty"},
	} {
		file := files[test.file]
		if err := parse[test.file]([]byte(file)); err != nil || !strings.Contains(file, test.old) {
			t.Fatalf("%s: %v, or %q is not in it:\n%s", test.file, err, test.old, file)
		}
		err := parse[test.file]([]byte(strings.Replace(file, test.old, test.new, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s with %q for %q: %v", test.file, test.new, test.old, err)
		}
	}
	if err := parse["parameters"](w.Encode()); err == nil || !strings.Contains(err.Error(), `its Format is "keyhold-wrapped-material-v1"`) {
		t.Errorf("wrapped material for parameters: %v", err)
	}
}

// A file that was read can be written again, and gives the same values.
func FuzzFiles(f *testing.F) {
	p := &byok.Parameters{KeyARN: keyARN, KeySpec: "HMAC_256", Algorithm: byok.RSAESOAEPSHA1, PublicKey: []byte{1}, Token: []byte{2}}
	w := &byok.Wrapped{KeyARN: keyARN, Material: []byte{1}, Token: []byte{2}, Fingerprint: "f", KeyMaterialID: strings.Repeat("0a", 32)}
	f.Add(p.Encode())
	f.Add(w.Encode())
	f.Fuzz(func(t *testing.T, file []byte) {
		if p, err := byok.ParseParameters(file); err == nil {
			if again, err := byok.ParseParameters(p.Encode()); err != nil || !bytes.Equal(again.Encode(), p.Encode()) {
				t.Errorf("%q: %+v, %v", file, again, err)
			}
		}
		if w, err := byok.ParseWrapped(file); err == nil {
			if again, err := byok.ParseWrapped(w.Encode()); err != nil || !bytes.Equal(again.Encode(), w.Encode()) {
				t.Errorf("%q: %+v, %v", file, again, err)
			}
		}
	})
}
