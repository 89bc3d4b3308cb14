package byok_test

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/keyhold/keyhold/byok"
)

// answer returns the text that the AWS CLI prints for parameters, with a time in JSON.
func answer(p *byok.Parameters, validTo string) string {
	return `{
    "KeyId": "` + p.KeyARN + `",
    "ImportToken": "` + base64.StdEncoding.EncodeToString(p.Token) + `",
    "PublicKey": "` + base64.StdEncoding.EncodeToString(p.PublicKey) + `",
    "ParametersValidTo": ` + validTo + `
}
`
}

// ParseParameters reads the answer of GetParametersForImport as each version of the AWS CLI
// prints it, also through PowerShell. Wrap works after the caller has set the fields that the
// answer lacks.
func TestParseParametersOfAnAnswer(t *testing.T) {
	p, _ := parameters(t)
	want := &byok.Parameters{KeyARN: p.KeyARN, PublicKey: p.PublicKey, Token: p.Token, ValidTo: p.ValidTo}
	text := answer(p, `"2030-01-31T13:00:00+01:00"`)
	for name, file := range map[string]string{
		"AWS CLI 2":         text,
		"with microseconds": answer(p, `"2030-01-31T12:00:00.612000+00:00"`),
		"AWS CLI 1":         answer(p, "1896091200.0"),
		"the API":           answer(p, "1.8960912E9"),
		"boto3":             strings.Replace(text, "{", `{"ResponseMetadata": {"HTTPStatusCode": 200}, `, 1),
		"UTF-16":            utf16LE(text),
		"a mark":            "\xef\xbb\xbf" + text,
	} {
		read, err := byok.ParseParameters([]byte(file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if read.ValidTo = read.ValidTo.UTC(); name == "with microseconds" {
			read.ValidTo = read.ValidTo.Add(-612 * time.Millisecond)
		}
		if !reflect.DeepEqual(read, want) {
			t.Errorf("%s: %+v", name, read)
		}
		if w, err := read.Wrap(countingBytes(32)); err == nil {
			t.Errorf("%s: wrapped without an algorithm: %+v", name, w)
		}
		read.Algorithm, read.KeySpec = byok.RSAESOAEPSHA256, "SYMMETRIC_DEFAULT"
		if w, err := read.Wrap(countingBytes(32)); err != nil || w.KeyARN != p.KeyARN {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A time of the API is a number of seconds from 0 to 1e11, or text in RFC 3339.
func TestParseParametersWithAnyTime(t *testing.T) {
	p, _ := parameters(t)
	for validTo, want := range map[string]bool{
		"0": true, "1e11": true, `"1970-01-01T00:00:00Z"`: true,
		"-1": false, "100000000001": false, "NaN": false, "true": false, `"1970"`: false, "{}": false,
	} {
		if _, err := byok.ParseParameters([]byte(answer(p, validTo))); (err == nil) != want {
			t.Errorf("%s: %v", validTo, err)
		}
	}
}

func utf16LE(text string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

// Errors describe the fault of an answer.
func TestParseParametersRefusesAnswers(t *testing.T) {
	p, _ := parameters(t)
	good := answer(p, `"2030-01-31T12:00:00Z"`)
	const damaged = "the answer of GetParametersForImport is damaged: "
	for _, c := range []struct{ old, new, want string }{
		{`"` + p.KeyARN + `"`, `""`, damaged + "the member KeyId is missing or empty"},
		{`"` + p.KeyARN + `"`, `["` + p.KeyARN + `"]`, damaged + "the member KeyId is missing or empty"},
		{`"ImportToken": "`, `"ImportToken": "", "ImportTokens": "`, damaged + "the member ImportToken is missing or empty"},
		{`"PublicKey": "`, `"PublicKey": "", "PublicKeys": "`, damaged + "the member PublicKey is missing or empty"},
		{`"KeyId"`, `"keyId"`, "the member KeyId is missing or empty"},
		{`"` + p.KeyARN + `"`, `"1234abcd"`, "the member KeyId is not the ARN of a key"},
		{`"ImportToken": "`, `"ImportToken": "!`, "the member ImportToken is not base64"},
		{`"PublicKey": "`, `"PublicKey": "!`, "the member PublicKey is not base64"},
		{`"2030-01-31T12:00:00Z"`, `"tomorrow"`, "the member ParametersValidTo is not a time"},
		{`"2030-01-31T12:00:00Z"`, `1e300`, "the member ParametersValidTo is not a time"},
		{`"2030-01-31T12:00:00Z"`, `null`, "the member ParametersValidTo is not a time"},
		{"\n}\n", "\n} {}\n", damaged + "something follows the JSON object"},
		{`"PublicKey"`, `"publicKey"`, "the member Format is missing"},
		{`"KeyId"`, `"Format": "x", "KeyId"`, `its Format is "x"`},
	} {
		file := strings.Replace(good, c.old, c.new, 1)
		if file == good || !json.Valid([]byte(strings.TrimSuffix(file, " {}\n"))) {
			t.Fatalf("%q is not in it", c.old)
		}
		if read, err := byok.ParseParameters([]byte(file)); read != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.new, err)
		}
	}
}
