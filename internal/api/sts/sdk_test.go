package sts

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/keyhold/keyhold/internal/api"
)

// An operation is compared with the official client, whose types are the reference.
type operation struct {
	name    string
	in, out reflect.Type
}

func op[In, Out any](name string) operation {
	return operation{name, reflect.TypeFor[In](), reflect.TypeFor[Out]()}
}

func allOperations() []operation {
	return []operation{
		op[AssumeRoleRequest, AssumeRoleResponse]("AssumeRole"),
		op[AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse]("AssumeRoleWithWebIdentity"),
		op[GetCallerIdentityRequest, GetCallerIdentityResponse]("GetCallerIdentity"),
		op[GetSessionTokenRequest, GetSessionTokenResponse]("GetSessionToken"),
	}
}

func sdkTypes(t *testing.T, name string) (in, out reflect.Type) {
	t.Helper()
	m, ok := reflect.TypeFor[*sts.Client]().MethodByName(name)
	if !ok {
		t.Fatalf("the client has no %s", name)
	}
	return m.Type.In(2).Elem(), m.Type.Out(0).Elem()
}

func TestMembersMatchClient(t *testing.T) {
	for _, o := range allOperations() {
		in, out := sdkTypes(t, o.name)
		compare(t, o.in, in)
		compare(t, o.out, out)
	}
}

// compare compares a type of ours with the client's, member by member.
func compare(t *testing.T, ours, theirs reflect.Type) {
	t.Helper()
	rest := map[string]reflect.Type{}
	for f := range theirs.Fields() {
		if f.Name != "ResultMetadata" && f.Name != "noSmithyDocumentSerde" {
			rest[f.Name] = f.Type
		}
	}
	for f := range ours.Fields() {
		want, ok := rest[f.Name]
		if !ok {
			t.Errorf("%v.%s is unknown to the client", ours, f.Name)
			continue
		}
		delete(rest, f.Name)
		switch one := elementType(want); {
		case one.String() == "time.Time":
			want = reflect.TypeFor[*api.Timestamp]()
		case one.Kind() == reflect.Struct:
			if f.Type.Kind() != want.Kind() || f.Type.Elem().Name() != one.Name() {
				t.Errorf("%v.%s is %v, of the client %v", ours, f.Name, f.Type, want)
			}
			compare(t, f.Type.Elem(), one)
			continue
		}
		if f.Type != want {
			t.Errorf("%v.%s is %v, of the client %v", ours, f.Name, f.Type, want)
		}
	}
	for name := range rest {
		t.Errorf("%v lacks %s", ours, name)
	}
}

// elementType returns the element type of a pointer or a list.
func elementType(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		return t.Elem()
	}
	return t
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(r *http.Request) (*http.Response, error) { return f(r) }

// client returns a client that gets answer as every response.
func client(status int, answer string, sent *string) *sts.Client {
	return sts.New(sts.Options{
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		Retryer:     aws.NopRetryer{},
		HTTPClient: transport(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			*sent = string(body)
			return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(answer))}, err
		}),
	})
}

var someTime = time.Date(2026, 11, 24, 3, 4, 5, 0, time.UTC)

// fill sets every member, ours or the client's, to a value that depends on its name.
func fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), name+"One")
		fill(v.Index(1), name+"Two")
	case reflect.String:
		v.SetString("a & <" + name + "> é")
	case reflect.Int32:
		v.SetInt(int64(len(name)))
	case reflect.Struct:
		switch v.Interface().(type) {
		case time.Time:
			v.Set(reflect.ValueOf(someTime))
		case api.Timestamp:
			v.Set(reflect.ValueOf(*api.NewTimestamp(someTime)))
		default:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" {
					fill(v.Field(i), f.Name)
				}
			}
		}
	}
}

// Decode reads everything that the client sends, and the client reads everything in the answer.
func TestWireMatchesClient(t *testing.T) {
	for _, o := range allOperations() {
		t.Run(o.name, func(t *testing.T) {
			answered := reflect.New(o.out)
			fill(answered.Elem(), "")
			body, err := Encode(o.name, "request-1", answered.Interface())
			if err != nil {
				t.Fatal(err)
			}
			var sent string
			c := client(http.StatusOK, string(body), &sent)
			sdkIn, sdkOut := sdkTypes(t, o.name)
			in, out := reflect.New(sdkIn), reflect.New(sdkOut)
			fill(in.Elem(), "")
			fill(out.Elem(), "")
			got := reflect.ValueOf(c).MethodByName(o.name).Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
			if err, _ := got[1].Interface().(error); err != nil {
				t.Fatal(err)
			}
			got[0].Elem().FieldByName("ResultMetadata").SetZero()
			if !reflect.DeepEqual(got[0].Interface(), out.Interface()) {
				t.Errorf("answered %s\nread %+v", body, got[0].Elem())
			}
			form, err := ParseForm([]byte(sent))
			if err != nil || form["Action"] != o.name || form["Version"] != Version {
				t.Fatalf("%v: %s", err, sent)
			}
			read, want := reflect.New(o.in), reflect.New(o.in)
			fill(want.Elem(), "")
			if err := form.Decode(read.Interface()); err != nil || !reflect.DeepEqual(read.Interface(), want.Interface()) {
				t.Errorf("%v: of %s read %+v", err, sent, read.Elem())
			}
		})
	}
}
