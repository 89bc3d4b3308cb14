package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/keyhold/keyhold/kmstest"
)

// lockedBuffer is a log with many concurrent writers.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// The log contains the Regions that clients ask for in vain, and nothing else of the requests. Strangers cannot
// fill the log in this way.
func TestUnservedRegionsAreLogged(t *testing.T) {
	log := &lockedBuffer{}
	address := setup{log: slog.NewTextHandler(log, nil), regions: func(r string) bool { return r == "us-east-1" }}.start(t)
	ask := func(region, secret string) answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "TrentService.ListKeys")
		hash := sha256.Sum256([]byte("{}"))
		if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: kmstest.AccessKeyID, SecretAccessKey: secret}, r, hex.EncodeToString(hash[:]), "kms", region, time.Now()); err != nil {
			t.Fatal(err)
		}
		return do(t, r)
	}
	ask("us-east-1", kmstest.SecretAccessKey)
	ask("us-east-1", "wrong")
	ask("no Region", "wrong")
	if log.String() != "" {
		t.Errorf("logged: %s", log)
	}
	for range 50 {
		if a := ask("eu-west-2", "wrong"); !strings.Contains(a.body, "Credential should be scoped to a valid region.") {
			t.Fatal(a.body)
		}
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "Region is not served") || !strings.Contains(text, "region=eu-west-2 source=127.0.0.1") {
		t.Errorf("logged: %s", text)
	}
}
