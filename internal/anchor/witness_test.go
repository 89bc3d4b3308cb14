package anchor

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/logtest"
	"github.com/keyhold/keyhold/internal/witness"
)

func witnessKey() (cosign.Signer, error) {
	return cosign.NewSigner("witness.example.com/one", ed25519.NewKeyFromSeed(make([]byte, 32)))
}

// startWitness serves a real witness of a log, over TLS.
func startWitness(t *testing.T, l *logtest.Log) *Witness {
	t.Helper()
	folder := t.TempDir()
	if err := witness.Create(folder, "witness.example.com/one"); err != nil {
		t.Fatal(err)
	}
	logs, err := witness.ReadLogs(strings.NewReader(l.Key))
	if err != nil {
		t.Fatal(err)
	}
	w, err := witness.Open(folder, logs, slog.New(slog.DiscardHandler), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	server := httptest.NewTLSServer(witness.Server(w, time.Now).Handler)
	t.Cleanup(server.Close)
	a := NewWitness(server.URL, w.Verifier())
	a.client = newClient(server.Client().Transport)
	return a
}

// A witness by the same steps as a file: both are anchors.
func TestWitness(t *testing.T) {
	l, fork := newLog(t, "line", 40), newLog(t, "another line", 40)
	a := startWitness(t, l)
	for _, step := range []struct {
		what      string
		c         Checkpoint
		confirmed int64
		want      error
	}{
		{"the first checkpoint", at(t, l, 10), 0, nil},
		{"the same again", at(t, l, 10), 10, nil},
		{"a larger one", at(t, l, 20), 10, nil},
		{"by a server without its state", at(t, l, 21), 0, nil},
		{"after an answer that was lost", at(t, l, 22), 20, nil},
		{"an older one", at(t, l, 10), 0, ErrNewer},
		{"an older one, with a newer state", at(t, l, 10), 20, ErrNewer},
		{"a fork of the same size", at(t, fork, 22), 0, ErrForked},
		{"a larger fork", at(t, fork, 30), 22, ErrForked},
		{"a checkpoint that the witness lost", at(t, l, 40), 30, ErrForgot},
		{"the next one", at(t, l, 23), 22, nil},
	} {
		receipt, err := a.Keep(t.Context(), step.c, step.confirmed)
		if !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
			t.Errorf("%s: %v, want %v", step.what, err, step.want)
		}
		if err != nil {
			continue
		}
		if c, _, err := cosign.Open(receipt, a.verifier); err != nil || c != step.c.Checkpoint {
			t.Errorf("%s: the receipt is %q, %v", step.what, receipt, err)
		}
		if _, err := Open(receipt, l.Verifier(), l); err != nil {
			t.Errorf("%s: the receipt lacks the signature of the log: %v", step.what, err)
		}
	}
	unknown := logtest.New(t, "keyhold/deployment/unknown", 3).Add("x")
	if _, err := a.Keep(t.Context(), at(t, unknown, 1), 0); err == nil || Refuted(err) || !strings.Contains(err.Error(), "add the verifier key") {
		t.Error(err)
	}
	otherKey := logtest.New(t, origin, 3).Add("x")
	if _, err := a.Keep(t.Context(), at(t, otherKey, 1), 0); err == nil || Refuted(err) || !strings.Contains(err.Error(), "does not know the key") {
		t.Error(err)
	}
}

// answer is what a lying witness answers to a request.
type answer func(out http.ResponseWriter, r cosign.Request)

func sign(name string, seed byte, at time.Time, change func(text []byte) []byte) answer {
	return func(out http.ResponseWriter, r cosign.Request) {
		s, err := cosign.NewSigner(name, ed25519.NewKeyFromSeed(append([]byte{seed}, make([]byte, 31)...)))
		if err != nil {
			panic(err)
		}
		text, _, _ := bytes.Cut(r.Checkpoint, []byte("\n\n"))
		line, err := s.At(at).Line(change(append(text, '\n')))
		if err != nil {
			panic(err)
		}
		out.Write(line)
	}
}

func reply(status int, kind, text string) answer {
	return func(out http.ResponseWriter, _ cosign.Request) {
		out.Header().Set("Content-Type", kind)
		out.WriteHeader(status)
		fmt.Fprint(out, text)
	}
}

// No answer of a witness that lies or fails is taken for a confirmation, and each ends in a bounded number of requests.
func TestLyingWitness(t *testing.T) {
	same := func(text []byte) []byte { return text }
	const name, tree = "witness.example.com/one", "text/x.tlog.size"
	l, now := newLog(t, "line", 40), time.Now()
	for what, row := range map[string]struct {
		answer answer
		want   string
	}{
		"a true answer":                 {sign(name, 0, now, same), ""},
		"the signature of another text": {sign(name, 0, now, func(text []byte) []byte { return append(text, 'x') }), "no valid cosignature"},
		"for another log":               {sign(name, 0, now, func([]byte) []byte { return []byte(logtest.New(t, "other", 1).Add("x").At(1).Text()) }), "no valid cosignature"},
		"an older size":                 {sign(name, 0, now, func([]byte) []byte { return []byte(l.At(9).Text()) }), "no valid cosignature"},
		"another key of the same name":  {sign(name, 1, now, same), "no valid cosignature"},
		"another name of the same key":  {sign("other", 0, now, same), "no valid cosignature"},
		"an old cosignature":            {sign(name, 0, now.Add(-time.Hour), same), "or the answer is a copy of an earlier one"},
		"a cosignature of the future":   {sign(name, 0, now.Add(time.Hour), same), "its clock and the clock of this machine differ by"},
		"nothing":                       {reply(200, "", ""), "no valid cosignature"},
		"no line":                       {reply(200, "", "cosigned"), "no valid cosignature"},
		"a whole note":                  {reply(200, "", string(l.Checkpoint(10))), "no valid cosignature"},
		"more than fits":                {reply(200, "", strings.Repeat("x", maxAnswer+1)), "more than"},
		"a larger size":                 {reply(409, tree, "41\n"), ErrNewer.Error()},
		"a smaller size":                {reply(409, tree, "3\n"), ErrForgot.Error()},
		"the same size again and again": {reply(409, tree, "10\n"), "names another size in each answer"},
		"a size of nothing":             {reply(409, tree, "\n"), "does not name its size"},
		"a negative size":               {reply(409, tree, "-1\n"), "does not name its size"},
		"a size with zeros":             {reply(409, tree, "010\n"), "does not name its size"},
		"a conflict":                    {reply(409, "text/plain", "other root"), ErrForked.Error()},
		"an error":                      {reply(500, "text/plain", "\x1b[31mbroken\xff"), "answered 500"},
		"a redirection": {func(out http.ResponseWriter, _ cosign.Request) {
			out.Header().Set("Location", "/x")
			out.WriteHeader(307)
		}, "answered 307"},
		"a connection that ends in answer": {func(out http.ResponseWriter, _ cosign.Request) {
			out.Header().Set("Content-Length", "99")
			fmt.Fprint(out, "— ")
		}, "read the answer"},
		"a connection that ends": {func(http.ResponseWriter, cosign.Request) { panic(http.ErrAbortHandler) }, "cannot be reached"},
	} {
		requests := 0
		server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			requests++
			var body bytes.Buffer
			if _, err := body.ReadFrom(r.Body); err != nil {
				t.Error(err)
			}
			request, err := cosign.ParseRequest(body.Bytes())
			if err != nil || r.URL.Path != "/add-checkpoint" || r.Method != http.MethodPost {
				t.Errorf("%s %s: %v", r.Method, r.URL, err)
			}
			row.answer(out, request)
		}))
		signer, err := witnessKey()
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := NewWitness(server.URL, signer.Verifier).Keep(t.Context(), at(t, l, 40), 5)
		if row.want == "" && err != nil || row.want != "" && (err == nil || receipt != nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %q, %v, want %q", what, receipt, err, row.want)
		}
		if requests == 0 || requests > maxTries {
			t.Errorf("%s: %d requests", what, requests)
		}
		server.Close()
	}
}

// A witness that accepts connections and does not answer is given up when the time of the attempt is over, and a
// certificate of another authority is refused.
func TestUnreachableWitness(t *testing.T) {
	l := newLog(t, "line", 3)
	hang := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	signer, err := witnessKey()
	if err != nil {
		t.Fatal(err)
	}
	a := NewWitness(server.URL, signer.Verifier)
	if _, err := a.Keep(t.Context(), at(t, l, 3), 0); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("another authority: %v", err)
	}
	a.client = newClient(server.Client().Transport)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := a.Keep(ctx, at(t, l, 3), 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
