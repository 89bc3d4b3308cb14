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

// connectToAnswer returns a connection to a server that gives every request the same answer.
func connectToAnswer(t *testing.T, status int, code, body string) *connection {
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

// provable returns an import for each kind of proof, sent and answered with the right ID. Its
// server gives every request the same answer.
func provable(t *testing.T, status int, code, body string) (imports map[string]*importRun, out *strings.Builder) {
	t.Helper()
	server, out := connectToAnswer(t, status, code, body), new(strings.Builder)
	sent := func(spec string, material, public []byte) *importRun {
		w := &byok.Wrapped{KeyARN: "arn:aws:kms:us-east-1:000000000000:key/1", KeyMaterialID: "id", PublicKey: public}
		return &importRun{server: server, progress: printer{out}, spec: spec, material: material, wrapped: w, materialID: "id"}
	}
	material := bytes.Repeat([]byte{7}, 32)
	return map[string]*importRun{
		"Challenge": sent(symmetricSpec, material, nil),
		"Mac":       sent("HMAC_256", material, nil),
		"PublicKey": sent("RSA_2048", nil, []byte("public")),
	}, out
}

// A proof that fails is an error, and is not among the proofs.
func TestFailedProofs(t *testing.T) {
	for _, body := range []string{`{}`, `{"CiphertextBlob":"AAAA","Mac":"AAAA","PublicKey":"AAAA"}`} {
		imports, out := provable(t, 200, "", body)
		for name, r := range imports {
			out.Reset()
			err := r.prove(t.Context())
			refused, ok := errors.AsType[*awsimport.Refusal](err)
			if !ok || refused.Code != awsimport.NotProved || !slices.Equal(r.proofs, []string{"KeyMaterialId"}) ||
				strings.Count(out.String(), "Proof ") != 1 {
				t.Errorf("%s, %s: %v, proofs %v\n%s", name, body, err, r.proofs, out)
			}
		}
	}
	imports, _ := provable(t, 200, "", `{}`)
	for name, r := range imports {
		r.materialID = "other"
		if err := r.prove(t.Context()); err == nil || len(r.proofs) != 0 {
			t.Errorf("%s: with another ID: %v, %v", name, err, r.proofs)
		}
	}
}

// A proof that is refused to these credentials was not tried: no error, and no proof. Any
// other refusal is an error.
func TestProofsNotTried(t *testing.T) {
	because := map[string]string{
		"Challenge": "no challenge, because the server does not encrypt with this key for these credentials",
		"Mac":       "no message authentication code, because the server does not make one with this key for these credentials",
		"PublicKey": "no comparison of public keys, because the server does not show the public key for these credentials",
	}
	for code, notTried := range map[string]bool{
		"AccessDeniedException": true, "DisabledException": true, "InvalidKeyUsageException": true,
		"NotFoundException": false, "KMSInternalException": false, "KMSInvalidStateException": false,
	} {
		imports, out := provable(t, 400, code, `{}`)
		for name, r := range imports {
			out.Reset()
			err := r.prove(t.Context())
			said := strings.Contains(out.String(), "Not tried   "+because[name]+" ("+code+")\n")
			if (err == nil) != notTried || !slices.Equal(r.proofs, []string{"KeyMaterialId"}) || said != notTried {
				t.Errorf("%s, %s: %v, %v\n%s", name, code, err, r.proofs, out)
			}
		}
	}
}

// A proof that is not possible is not among the proofs.
func TestProofsThatAreLeftOut(t *testing.T) {
	for name, change := range map[string]func(*importRun){
		"a material that waits":   func(r *importRun) { r.idle = "it waits" },
		"a material that is away": func(r *importRun) { r.material = nil },
		"a symmetric key of AWS":  func(r *importRun) { r.server.aws = true },
	} {
		imports, _ := provable(t, 200, "", `{}`)
		r := imports["Challenge"]
		change(r)
		var want []string
		if !r.server.aws {
			want = []string{"KeyMaterialId"}
		}
		if err := r.prove(t.Context()); err != nil || !slices.Equal(r.proofs, want) {
			t.Errorf("%s: %v, %v", name, err, r.proofs)
		}
	}
}
