package api

import (
	"bytes"
	stdjson "encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(r *http.Request) (*http.Response, error) { return f(r) }

// offline returns a client that gets answer as the body of every response, and stores the body of its request
// in sent.
func offline(answer string, sent *[]byte) *kms.Client {
	return kms.New(kms.Options{
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		Retryer:     aws.NopRetryer{},
		HTTPClient: transport(func(r *http.Request) (*http.Response, error) {
			if body, err := io.ReadAll(r.Body); err != nil {
				return nil, err
			} else if sent != nil {
				*sent = body
			}
			return &http.Response{
				StatusCode: http.StatusOK,
				Header:     http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
				Body:       io.NopCloser(strings.NewReader(answer)),
			}, nil
		}),
	})
}

var someTime = time.Date(2026, 11, 24, 3, 4, 5, 678_000_000, time.UTC)

// fill sets every member of a struct, ours or the client's, to a value that depends only on the name of the
// member.
func fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Struct:
		fillStruct(v)
	case reflect.Slice:
		if isBlob(v.Type()) {
			v.SetBytes([]byte{0xfb, 0xff, byte(len(name))}) // its base64 contains + and /
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), name+"One")
		fill(v.Index(1), name+"Two")
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{name: "é<>&\u2028", "": ""}))
	case reflect.String:
		v.SetString("a " + name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32:
		v.SetInt(int64(len(name)))
	default:
		panic(v.Type())
	}
}

func fillStruct(v reflect.Value) {
	switch v.Interface().(type) {
	case Timestamp:
		v.Set(reflect.ValueOf(*NewTimestamp(someTime)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(someTime))
		return
	}
	for f, field := range v.Fields() {
		if f.Name != "ResultMetadata" && field.CanSet() {
			fill(field, f.Name)
		}
	}
}

// Decode reads every member that the official client sends, and Encode writes an equivalent body.
func TestDecodeReadsClient(t *testing.T) {
	for _, o := range allOperations() {
		t.Run(o.name, func(t *testing.T) {
			in, _ := sdkTypes(t, o.name)
			theirs, want, got := reflect.New(in), reflect.New(o.in), reflect.New(o.in)
			fill(theirs.Elem(), "")
			fill(want.Elem(), "")
			var sent []byte
			if _, err := call(offline("{}", &sent), o.name, theirs); err != nil {
				t.Fatal(err)
			}
			if err := Decode(sent, got.Interface()); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Errorf("read %+v\nwant %+v", got.Elem(), want.Elem())
			}
			body, err := Encode(got.Interface())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(parseJSON(t, body), parseJSON(t, sent)) {
				t.Errorf("wrote %s\nsent  %s", body, sent)
			}
		})
	}
}

// The official client reads every member that Encode writes.
func TestClientReadsEncode(t *testing.T) {
	for _, o := range allOperations() {
		t.Run(o.name, func(t *testing.T) {
			in, out := sdkTypes(t, o.name)
			input, ours, want := reflect.New(in), reflect.New(o.out), reflect.New(out)
			fill(input.Elem(), "")
			fill(ours.Elem(), "")
			fill(want.Elem(), "")
			body, err := Encode(ours.Interface())
			if err != nil {
				t.Fatal(err)
			}
			got, err := call(offline(string(body), nil), o.name, input)
			if err != nil {
				t.Fatal(err)
			}
			got.Elem().FieldByName("ResultMetadata").SetZero()
			if !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Errorf("client read %+v\nwant %+v", got.Elem(), want.Elem())
			}
		})
	}
}

func parseJSON(t *testing.T, body []byte) (v any) {
	t.Helper()
	if err := stdjson.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEncode(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{&Empty{}, `{}`},
		{&EncryptRequest{}, `{}`},
		{&ListKeysResponse{}, `{"Keys":[],"Truncated":false}`},
		{&ListAliasesResponse{}, `{"Aliases":[],"Truncated":false}`},
		{&KeyMetadata{Description: new("")}, `{"Description":"","Enabled":false}`},
		{&MultiRegionConfiguration{}, `{"ReplicaKeys":[]}`},
		{&EncryptRequest{GrantTokens: []string{}, Plaintext: []byte{}}, `{"GrantTokens":[],"Plaintext":""}`},
		{&EncryptRequest{EncryptionContext: map[string]string{"c": "<", "a": "1", "b": ""}},
			`{"EncryptionContext":{"a":"1","b":"","c":"<"}}`},
		{&EncryptResponse{CiphertextBlob: []byte{0xfb, 0xff}}, `{"CiphertextBlob":"+/8="}`},
	}
	for _, test := range tests {
		got, err := Encode(test.value)
		if err != nil || !bytes.Equal(got, []byte(test.want)) {
			t.Errorf("%T: %s, %v; want %s", test.value, got, err, test.want)
		}
	}
	if _, err := Encode(&EncryptRequest{KeyId: new("\xff")}); err == nil {
		t.Error("invalid UTF-8 was written")
	}
}
