package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A caller sends requests with one access key over connections of its own. Requests are text, because the SDKs
// do not know the administrative operations.
type caller struct {
	s    *server
	http *http.Client
	as   aws.Credentials
}

func (s *server) caller(as aws.Credentials, conns int) *caller {
	return &caller{s, s.l.http(conns), as}
}

// administrations lists the administrative operations (docs/api.md).
const administrations = " Backup DeleteIdentity ListIdentities ListKeySummaries ProveEvent PutAccount PutPolicy " +
	"PutProvider PutRole PutUser QueryAudit RecreateKey RevokeSessions RotateAccessKey SealMigrate SealRotate " +
	"SealStatus SetIdentityState ShowIdentity Status "

// do sends a request. ok reports whether the request succeeded; err is an error of the connection.
func (c *caller) do(ctx context.Context, operation, members string) (ok bool, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.s.url()+"/", strings.NewReader(members))
	if err != nil {
		return false, nil, err
	}
	target := "TrentService."
	if strings.Contains(administrations, " "+operation+" ") {
		target = "KeyholdAdmin."
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target+operation)
	hash := sha256.Sum256([]byte(members))
	if err := v4.NewSigner().SignHTTP(ctx, c.as, r, hex.EncodeToString(hash[:]), "kms", region, time.Now()); err != nil {
		return false, nil, err
	}
	got, err := c.http.Do(r)
	if err != nil {
		return false, nil, err
	}
	defer got.Body.Close()
	body, err = io.ReadAll(got.Body)
	return got.StatusCode == http.StatusOK, bytes.TrimSpace(body), err
}

// must sends a request that has to succeed.
func (c *caller) must(ctx context.Context, operation, members string) (answer, error) {
	ok, body, err := c.do(ctx, operation, members)
	if err == nil && !ok {
		err = fmt.Errorf("%s %s: %s", operation, members, body)
	}
	return answer(body), err
}

// An answer is a JSON response body.
type answer []byte

// text returns the member at a path.
func (a answer) text(path ...string) string {
	var found any
	json.Unmarshal(a, &found)
	for _, name := range path {
		members, _ := found.(map[string]any)
		found = members[name]
	}
	text, _ := found.(string)
	return text
}

// newUser creates a user with an access key and an inline policy.
func (s *server) newUser(ctx context.Context, root *caller, name, policy string) (*caller, error) {
	text, err := json.Marshal(policy)
	if err != nil {
		return nil, err
	}
	out, err := root.must(ctx, "PutUser", fmt.Sprintf(`{"Name":%q,"AccessKeys":1,"Policies":[{"Name":"p","Document":%s}]}`,
		name, text))
	if err != nil {
		return nil, err
	}
	var made struct {
		NewAccessKeys []struct{ AccessKeyId, SecretAccessKey string }
	}
	if err := json.Unmarshal(out, &made); err != nil || len(made.NewAccessKeys) != 1 {
		return nil, fmt.Errorf("no access key in %s: %w", out, err)
	}
	k := made.NewAccessKeys[0]
	return s.caller(aws.Credentials{AccessKeyID: k.AccessKeyId, SecretAccessKey: k.SecretAccessKey}, 64), nil
}
