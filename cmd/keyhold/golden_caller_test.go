package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A goldenAnswers is the content of golden/NAME/answers.json: the answers that a folder of an older
// program must give.
type goldenAnswers struct {
	Made        time.Time                  `json:"made"` // the clock of keys must start here
	Credentials map[string]aws.Credentials `json:"credentials"`
	Calls       []goldenCall               `json:"calls"`
}

// A goldenCall is one request, and the answer of the program that made the folder.
type goldenCall struct {
	As      string          `json:"as"` // the user whose credentials sign
	Region  string          `json:"region"`
	Target  string          `json:"target"` // the X-Amz-Target, with the operation
	Request json.RawMessage `json:"request"`
	Status  int             `json:"status"`
	Answer  json.RawMessage `json:"answer,omitempty"` // left out if each answer differs
}

// A goldenCaller sends requests to a server.
type goldenCaller struct {
	t           *testing.T
	endpoint    string
	credentials map[string]aws.Credentials
}

// send sends one request of the KMS API, of the administrator API, or of STS.
func (g *goldenCaller) send(as, region, target string, request []byte) (status int, answer []byte) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), faultPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.endpoint+"/", bytes.NewReader(request))
	if err != nil {
		g.t.Fatal(err)
	}
	service := "kms"
	if strings.HasPrefix(target, "sts.") {
		service = "sts"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	} else {
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", target)
	}
	hash := sha256.Sum256(request)
	if err := v4.NewSigner().SignHTTP(ctx, g.credentials[as], r, hex.EncodeToString(hash[:]), service, region, time.Now()); err != nil {
		g.t.Fatal(err)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer got.Body.Close()
	if answer, err = io.ReadAll(got.Body); err != nil {
		g.t.Fatal(err)
	}
	return got.StatusCode, answer
}

// A members is a JSON object.
type members = map[string]any

// must sends a request of the KMS or administrator API as the root. It fails the test if the server
// refuses.
func (g *goldenCaller) must(region, target string, in members) members {
	g.t.Helper()
	status, answer := g.send("root", region, target, encode(g.t, in))
	if status != http.StatusOK {
		g.t.Fatalf("%s %v: %d %s", target, in, status, answer)
	}
	out := members{}
	if err := json.Unmarshal(answer, &out); err != nil && len(answer) > 0 {
		g.t.Fatal(err)
	}
	return out
}

func encode(t *testing.T, in any) []byte {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// form returns the body of an STS request.
func form(action string, members ...string) []byte {
	values := url.Values{"Action": {action}, "Version": {"2011-06-15"}}
	for i := 0; i < len(members); i += 2 {
		values.Set(members[i], members[i+1])
	}
	return []byte(values.Encode())
}
