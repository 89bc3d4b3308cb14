package api

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func wantReason(t *testing.T, name string, err error, want reason) {
	t.Helper()
	e, ok := errors.AsType[*SyntaxError](err)
	if !ok || e.Reason != string(want) {
		t.Errorf("%s: %v, want %s", name, err, want)
	}
}

// The bodies below contain this word, and errors must not.
const marker = "hunter2"

func TestDecodeRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"hunter2":`, n) + `1` + strings.Repeat(`}`, n) }
	tests := []struct {
		name, body string
		want       reason
	}{
		{"empty body", ``, reasonObject},
		{"white space", " \t\r\n", reasonObject},
		{"null", `null`, reasonObject},
		{"list", `["hunter2"]`, reasonObject},
		{"string", `"hunter2"`, reasonObject},
		{"number", `1`, reasonObject},
		{"byte order mark", "\ufeff{}", reasonObject},
		{"form feed", "\f{}", reasonObject},
		{"cut short", `{"KeyId":"hunter2`, reasonSyntax},
		{"cut in an escape", `{"KeyId":"hunter2\`, reasonSyntax},
		{"no end", `{"KeyId":"hunter2"`, reasonSyntax},
		{"trailing object", `{"KeyId":"hunter2"}{}`, reasonSyntax},
		{"trailing word", `{"KeyId":"a"} hunter2`, reasonSyntax},
		{"trailing zero byte", "{\"KeyId\":\"hunter2\"}\x00", reasonSyntax},
		{"trailing comma", `{"KeyId":"hunter2",}`, reasonSyntax},
		{"single quotes", `{'KeyId':'hunter2'}`, reasonSyntax},
		{"bare name", `{hunter2:1}`, reasonSyntax},
		{"number as name", `{1:"hunter2"}`, reasonSyntax},
		{"comment", `{/*hunter2*/}`, reasonSyntax},
		{"control character", "{\"KeyId\":\"hunter2\n\"}", reasonSyntax},
		{"mismatched brackets", `{"GrantTokens":["hunter2"}]`, reasonSyntax},
		{"invalid UTF-8", "{\"KeyId\":\"hunter2\xff\"}", reasonSyntax},
		{"invalid UTF-8 in a name", "{\"hunter2\xff\":1}", reasonSyntax},
		{"invalid UTF-8 in an unknown member", "{\"New\":\"hunter2\xff\"}", reasonSyntax},
		{"overlong UTF-8", "{\"KeyId\":\"hunter2\xc0\xaf\"}", reasonSyntax},
		{"encoded surrogate", "{\"KeyId\":\"hunter2\xed\xa0\x80\"}", reasonSyntax},
		{"lone high surrogate", `{"KeyId":"hunter2\ud800"}`, reasonSyntax},
		{"lone low surrogate", `{"KeyId":"hunter2\udc00"}`, reasonSyntax},
		{"swapped surrogates", `{"KeyId":"hunter2\udc00\ud800"}`, reasonSyntax},
		{"lone surrogate in context", `{"EncryptionContext":{"hunter2":"\ud800x"}}`, reasonSyntax},

		{"duplicate", `{"KeyId":"a","KeyId":"hunter2"}`, reasonDuplicate},
		{"duplicate by escape", `{"KeyId":"hunter2","\u004beyId":"b"}`, reasonDuplicate},
		{"duplicate of null", `{"KeyId":null,"KeyId":"hunter2"}`, reasonDuplicate},
		{"duplicate unknown", `{"hunter2":1,"hunter2":1}`, reasonDuplicate},
		{"duplicate in an unknown", `{"New":{"hunter2":1,"hunter2":1}}`, reasonDuplicate},
		{"duplicate in context", `{"EncryptionContext":{"hunter2":"1","hunter2":"2"}}`, reasonDuplicate},

		{"number for string", `{"KeyId":1234567}`, reasonType},
		{"list for string", `{"KeyId":["hunter2"]}`, reasonType},
		{"string for bool", `{"DryRun":"hunter2"}`, reasonType},
		{"number for bool", `{"DryRun":1}`, reasonType},
		{"string for list", `{"GrantTokens":"hunter2"}`, reasonType},
		{"object for list", `{"GrantTokens":{"hunter2":1}}`, reasonType},
		{"number in list", `{"GrantTokens":["hunter2",1]}`, reasonType},
		{"list for map", `{"EncryptionContext":["hunter2"]}`, reasonType},
		{"number in map", `{"EncryptionContext":{"hunter2":1}}`, reasonType},
		{"object in map", `{"EncryptionContext":{"hunter2":{}}}`, reasonType},
		{"string for struct", `{"Recipient":"hunter2"}`, reasonType},
		{"number for blob", `{"Plaintext":1234567}`, reasonType},
		{"list for blob", `{"Plaintext":[1,2]}`, reasonType},
		{"object for blob", `{"Plaintext":{"hunter2":""}}`, reasonType},

		{"null in list", `{"GrantTokens":["hunter2",null]}`, reasonNull},
		{"null in map", `{"EncryptionContext":{"hunter2":null}}`, reasonNull},

		{"newline in base64", `{"Plaintext":"aHVu\ndGVyMg=="}`, reasonBlob},
		{"CR at the end of base64", `{"Plaintext":"hunter2A\r"}`, reasonBlob},
		{"space in base64", `{"Plaintext":"aHVu dGVyMg=="}`, reasonBlob},
		{"unpadded base64", `{"Plaintext":"hunter2"}`, reasonBlob},
		{"too much padding", `{"Plaintext":"hunter2A===="}`, reasonBlob},
		{"padding alone", `{"Plaintext":"===="}`, reasonBlob},
		{"base64 after padding", `{"Plaintext":"AA==hunter2A"}`, reasonBlob},
		{"URL alphabet", `{"Plaintext":"-_hunter2A=="}`, reasonBlob},
		{"stray bits, one byte", `{"Plaintext":"AB=="}`, reasonBlob},
		{"stray bits, two bytes", `{"Plaintext":"AAB="}`, reasonBlob},
		{"not ASCII in base64", `{"Plaintext":"é=="}`, reasonBlob},

		{"too deep", deep(maxDepth + 1), reasonDepth},
		{"too deep in lists", `{"New":` + strings.Repeat("[", 200_000), reasonDepth},
		{"too many members", object(maxValues), reasonValues},
		{"too many elements", `{"GrantTokens":["a"` + strings.Repeat(`,"hunter2"`, maxValues) + `]}`, reasonValues},
		{"too many structs", `{"Tags":[{}` + strings.Repeat(`,{}`, maxValues) + `]}`, reasonValues},
		{"too many, spread", `{"a":[[],[],[]` + strings.Repeat(`,[[]]`, maxValues/3) + `]}`, reasonValues},
	}
	for _, test := range tests {
		var in struct {
			EncryptRequest
			Recipient *RecipientInfo `json:"Recipient"`
			Tags      []Tag          `json:"Tags"`
		}
		err := Decode([]byte(test.body), &in)
		wantReason(t, test.name, err, test.want)
		if err != nil && strings.Contains(err.Error(), marker) {
			t.Errorf("%s: the body is in %q", test.name, err)
		}
	}
	wantReason(t, "null among tags", Decode([]byte(`{"Tags":[null]}`), new(CreateKeyRequest)), reasonNull)
	for _, number := range []string{`"1"`, `1.5`, `1e2`, `2147483648`, `-2147483649`, `1e400`, `true`} {
		wantReason(t, number, Decode([]byte(`{"Limit":`+number+`}`), new(ListKeysRequest)), reasonType)
	}
}

// object returns an object with n+1 members that no type has.
func object(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":0,`, i)
	}
	return "{" + b.String() + `"m":0}`
}

func TestDecodeAccepts(t *testing.T) {
	tests := []struct {
		name, body string
		want       EncryptRequest
	}{
		{"nothing", ` {} ` + "\r\n", EncryptRequest{}},
		{"other case is unknown", `{"keyid":"a","KEYID":"b"}`, EncryptRequest{}},
		{"exact case", `{"keyid":"a","KeyId":"b"}`, EncryptRequest{KeyId: new("b")}},
		{"escaped name", `{"\u004beyId":"b"}`, EncryptRequest{KeyId: new("b")}},
		{"unknown members", `{"New":{"a":[null,{"b":null}],"c":1e999}, "DryRun":true}`, EncryptRequest{DryRun: new(true)}},
		{"nulls", `{"KeyId":null,"Plaintext":null,"GrantTokens":null,"EncryptionContext":null,"DryRun":null}`, EncryptRequest{}},
		{"empties", `{"KeyId":"","Plaintext":"","GrantTokens":[],"EncryptionContext":{},"DryRun":false}`,
			EncryptRequest{KeyId: new(""), Plaintext: []byte{}, GrantTokens: []string{},
				EncryptionContext: map[string]string{}, DryRun: new(false)}},
		{"blob", `{"Plaintext":"+/8="}`, EncryptRequest{Plaintext: []byte{0xfb, 0xff}}},
		{"escaped blob", `{"Plaintext":"\u002b\/8="}`, EncryptRequest{Plaintext: []byte{0xfb, 0xff}}},
		{"unicode", `{"EncryptionContext":{"\ud83d\ude00":"é\u0000","":"\"[{,\\"}}`,
			EncryptRequest{EncryptionContext: map[string]string{"😀": "é\x00", "": `"[{,\`}}},
		{"at the depth", strings.Repeat(`{"a":`, maxDepth) + "0" + strings.Repeat("}", maxDepth), EncryptRequest{}},
		{"at the number", object(maxValues - 1), EncryptRequest{}},
		{"brackets in strings", `{"KeyId":"\"` + strings.Repeat("[{,", 2000) + `"}`, EncryptRequest{KeyId: new(`"` + strings.Repeat("[{,", 2000))}},
	}
	for _, test := range tests {
		var got EncryptRequest
		if err := Decode([]byte(test.body), &got); err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
	var keys ListKeysRequest
	if err := Decode([]byte(`{"Limit":-0}`), &keys); err != nil || *keys.Limit != 0 {
		t.Errorf("minus zero: %+v, %v", keys, err)
	}
}

// A response may have more values than a request, and not without limit.
func TestDecodeResponse(t *testing.T) {
	for _, test := range []struct {
		body string
		want reason // "" if the body is accepted
	}{
		{object(maxValues), ""},
		{`{"GrantTokens":["` + strings.Repeat(`","`, maxResponseValues-3) + `"]}`, ""},
		{`{"GrantTokens":["` + strings.Repeat(`","`, maxResponseValues-1) + `"]}`, reasonValues},
		{`{"m":[` + strings.Repeat(`{},`, maxResponseValues) + `{}]}`, reasonValues},
		{strings.Repeat(`{"a":`, maxDepth+1) + "0" + strings.Repeat("}", maxDepth+1), reasonDepth},
		{`[]`, reasonObject},
	} {
		err := DecodeResponse([]byte(test.body), new(EncryptRequest))
		if test.want == "" && err != nil {
			t.Errorf("%.20s: %v", test.body, err)
		}
		if test.want != "" {
			wantReason(t, fmt.Sprintf("%.20s", test.body), err, test.want)
		}
	}
}

// Decode does not keep references to the body, whose buffer a server may reuse.
func TestDecodeKeepsNothing(t *testing.T) {
	body := []byte(`{"KeyId":"abc","Plaintext":"AAAA","EncryptionContext":{"k":"v"}}`)
	var got, want EncryptRequest
	if err := errors.Join(Decode(bytes.Clone(body), &want), Decode(body, &got)); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("changed with the buffer to %+v", got)
	}
}

func TestSyntaxErrorOffset(t *testing.T) {
	tests := []struct {
		body string
		want string
	}{
		{`  []`, "request body: not a JSON object at byte 2"},
		{`{"KeyId":1}`, "request body: a value of the wrong type at byte 9"},
		{`{"a":1,"a":2}`, "request body: a duplicate member at byte 7"},
		{`{"Plaintext":"A"}`, "request body: a blob that is not canonical base64 at byte 13"},
	}
	for _, test := range tests {
		if err := Decode([]byte(test.body), new(EncryptRequest)); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.body, err, test.want)
		}
	}
}

// FuzzDecode checks that decoding an encoded value returns the same value, and that decoded values can be
// validated and described as printable text.
func FuzzDecode(f *testing.F) {
	ops := allOperations()
	for i := range ops {
		for _, body := range []string{
			`{"KeyId":"alias/a","GrantTokens":["t"],"Plaintext":"AA==","EncryptionContext":{"a":"b"}}`,
			`{"CiphertextBlob":"AAAA","Recipient":{"AttestationDocument":""},"DryRunModifiers":["X"]}`,
			`{"Tags":[{"TagKey":"k","TagValue":"\u0007"},{}],"Policy":"\u0000","MultiRegion":false}`,
			`{"ValidTo":1764000000.123,"Limit":0,"Marker":"\ud83d\ude00","PendingWindowInDays":366}`,
			`{"ValidTo":-1.5e9,"KeyMaterialId":null,"Unknown":[{"a":null}]}`,
		} {
			f.Add(byte(i), []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		o := ops[int(which)%len(ops)]
		first, second := reflect.New(o.in).Interface(), reflect.New(o.in).Interface()
		if err := Decode(body, first); err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("a %T: %v", err, err)
			}
			return
		}
		again, err := Encode(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := Decode(again, second); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("%s\nbecame %s", body, again)
		}
		message := o.shape.Validate(first)
		if !utf8.ValidString(message) || strings.ContainsFunc(message, unicode.IsControl) {
			t.Fatalf("%q", message)
		}
		o.shape.Parameters(first)
	})
}

func BenchmarkDecrypt(b *testing.B) {
	body, err := Encode(&DecryptRequest{
		CiphertextBlob:    make([]byte, 300),
		EncryptionContext: map[string]string{"tenant": "0123456789", "purpose": "invoices"},
		KeyId:             new("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
	})
	if err != nil {
		b.Fatal(err)
	}
	shape := ShapeOf[DecryptRequest]()
	b.SetBytes(int64(len(body)))
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := Decode(body, new(DecryptRequest)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode+validate", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var in DecryptRequest
			if err := Decode(body, &in); err != nil || shape.Validate(&in) != "" {
				b.Fatal(err)
			}
		}
	})
}
