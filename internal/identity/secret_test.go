package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

func TestSecretsDoNotShow(t *testing.T) {
	k := AccessKey{ID: testKeyID, Secret: NewSecret(testSecret), Principal: Root(testAccount)}
	hidden := struct{ k AccessKey }{k}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T"} {
		for _, value := range []any{k.Secret, &k.Secret, k, &k, hidden, []AccessKey{k}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	fmt.Fprintln(&out, k.Secret.String(), k.Secret)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("keys", "secret", k.Secret, "key", k, "hidden", hidden)
	}
	if err := json.NewEncoder(&out).Encode([]any{k.Secret, k, hidden}); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{testSecret, fmt.Sprintf("%x", testSecret), fmt.Sprintf("%X", testSecret)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret is in the output:\n%s", &out)
		}
	}
	if !strings.Contains(out.String(), `"Secret":"[redacted]"`) {
		t.Error("the secret does not say that it is redacted")
	}
}

func TestZeroSecretIsEmpty(t *testing.T) {
	if s := (Secret{}).Reveal(); s != "" {
		t.Errorf("got %q", s)
	}
	if s := NewSecret("text").Reveal(); s != "text" {
		t.Errorf("got %q", s)
	}
}

func TestRoot(t *testing.T) {
	got, want := Root(testAccount), Principal{Kind: "Account", AccountID: testAccount, ARN: "arn:aws:iam::111122223333:root", ID: testAccount}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
