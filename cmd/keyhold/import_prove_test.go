package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
)

// liarOf returns a connection to a server that gives every request the same answer.
func liarOf(t *testing.T, status int, code, body string) *connection {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return &connection{endpoint: s.URL, Client: kms.New(kms.Options{
		BaseEndpoint: &s.URL, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})}
}

// proofs returns a proof of each kind, by its name.
func proofs() map[string]proof {
	wrapped := func(public []byte) *byok.Wrapped {
		return &byok.Wrapped{KeyARN: "arn:aws:kms:us-east-1:000000000000:key/1", KeyMaterialID: "id", PublicKey: public}
	}
	material := bytes.Repeat([]byte{7}, 32)
	return map[string]proof{
		"Challenge": {wrapped(nil), symmetricSpec, material},
		"Mac":       {wrapped(nil), "HMAC_256", material},
		"PublicKey": {wrapped([]byte("public")), "RSA_2048", nil},
	}
}

// A proof that fails is an error, and is not among the proofs.
func TestFailedProofs(t *testing.T) {
	for name, p := range proofs() {
		for _, body := range []string{`{}`, `{"CiphertextBlob":"AAAA","Mac":"AAAA","PublicKey":"AAAA"}`} {
			var out strings.Builder
			r := result{KeyMaterialId: "id", Proofs: []string{}}
			err := p.prove(t.Context(), liarOf(t, 200, "", body), &r, printer{&out})
			refused, ok := errors.AsType[*awsimport.Refusal](err)
			if !ok || refused.Code != awsimport.NotProved || !slices.Equal(r.Proofs, []string{"KeyMaterialId"}) || strings.Count(out.String(), "Proof ") != 1 {
				t.Errorf("%s, %s: %v, proofs %v\n%s", name, body, err, r.Proofs, &out)
			}
		}
		r := result{KeyMaterialId: "other"}
		if err := p.prove(t.Context(), liarOf(t, 200, "", `{}`), &r, printer{new(strings.Builder)}); err == nil || len(r.Proofs) != 0 {
			t.Errorf("%s: with another ID: %v, %v", name, err, r.Proofs)
		}
	}
}

// A proof that is refused to these credentials was not tried: no error, and no proof. Any
// other refusal is an error.
func TestProofsNotTried(t *testing.T) {
	for name, p := range proofs() {
		for code, notTried := range map[string]bool{
			"AccessDeniedException": true, "DisabledException": true, "InvalidKeyUsageException": true,
			"NotFoundException": false, "KMSInternalException": false, "KMSInvalidStateException": false,
		} {
			var out strings.Builder
			r := result{KeyMaterialId: "id"}
			err := p.prove(t.Context(), liarOf(t, 400, code, `{}`), &r, printer{&out})
			if (err == nil) != notTried || !slices.Equal(r.Proofs, []string{"KeyMaterialId"}) || strings.Contains(out.String(), "Not tried") != notTried {
				t.Errorf("%s, %s: %v, %v\n%s", name, code, err, r.Proofs, &out)
			}
		}
	}
}

// What is not tried is never among the proofs.
func TestProofsThatAreLeftOut(t *testing.T) {
	for name, change := range map[string]func(*proof, *result, *connection){
		"a material that waits":   func(_ *proof, r *result, _ *connection) { r.idle = "it waits" },
		"a material that is away": func(p *proof, _ *result, _ *connection) { p.material = nil },
		"a symmetric key of AWS":  func(_ *proof, _ *result, c *connection) { c.aws = true },
	} {
		p, r, c := proofs()["Challenge"], result{KeyMaterialId: "id"}, liarOf(t, 200, "", `{}`)
		change(&p, &r, c)
		var want []string
		if !c.aws {
			want = []string{"KeyMaterialId"}
		}
		if err := p.prove(t.Context(), c, &r, printer{new(strings.Builder)}); err != nil || !slices.Equal(r.Proofs, want) {
			t.Errorf("%s: %v, %v", name, err, r.Proofs)
		}
	}
}
