package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/keyhold/keyhold/internal/programtest"
)

// faultPatience bounds how long a server may take to start, to end or to answer. A server needs far
// less, even on a busy machine.
const faultPatience = 3 * time.Minute

// needs fails the test if a facility of the machine does not work. KEYHOLD_WITHOUT has the names of
// facilities, separated by commas, whose tests are skipped instead.
func needs(t *testing.T, name string, probe func() error) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("KEYHOLD_WITHOUT"), ","), name) {
		t.Skipf("KEYHOLD_WITHOUT names %s", name)
	}
	if err := probe(); err != nil {
		t.Fatalf("%s does not work on this machine: %v. Install or permit it; to skip its tests, set KEYHOLD_WITHOUT=%s", name, err, name)
	}
}

// A faultFolder is a data folder that keyhold init made.
type faultFolder struct {
	program, data string
	credentials   aws.Credentials
	flags         []string // of keyhold serve, besides the flags for the folder
}

func (f faultFolder) rootKey() string { return f.data + ".root-key" }

// initFolder creates a folder with keyhold init. The words before the program, if any, are a command
// that runs the program.
func initFolder(t *testing.T, program, data string, before ...string) faultFolder {
	t.Helper()
	args := append(slices.Clone(before), program, "init", "--data", data)
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	f := faultFolder{program: program, data: data}
	for _, m := range exportLine.FindAllStringSubmatch(string(out), -1) {
		switch m[1] {
		case "AWS_ACCESS_KEY_ID":
			f.credentials.AccessKeyID = m[2]
		case "AWS_SECRET_ACCESS_KEY":
			f.credentials.SecretAccessKey = m[2]
		}
	}
	if err != nil || !f.credentials.HasKeys() {
		t.Fatalf("init: %v\n%s", err, out)
	}
	return f
}

// verify runs keyhold verify on the folder. It returns the number of slots in use without a name, or
// an error with the findings.
func (f faultFolder) verify(ctx context.Context) (unnamed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, faultPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, f.program, "verify", "--data", f.data, "--root-key-file", f.rootKey()).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(" is sound\n")) {
		return 0, fmt.Errorf("verify: %v\n%s", err, out)
	}
	if note := unnamedSlots.FindSubmatch(out); note != nil {
		unnamed, err = strconv.Atoi(string(note[1]))
	}
	return unnamed, err
}

// verifyLog runs keyhold audit verify on the folder, and returns an error with its findings.
func (f faultFolder) verifyLog(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, faultPatience)
	defer cancel()
	words := []string{"audit", "verify", "--data", f.data, "--root-key-file", f.rootKey()}
	out, err := exec.CommandContext(ctx, f.program, words...).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("  sound\n")) {
		return fmt.Errorf("audit verify: %v\n%s", err, out)
	}
	return nil
}

var unnamedSlots = regexp.MustCompile(`note +(\d+) slots are in use that no record names`)

// A faultServer is a server on a folder.
type faultServer struct {
	faultFolder
	*programtest.Server
	endpoint string
	took     time.Duration // from the start to the banner
	stderr   *safeBuffer
	http     *http.Transport
	rest     chan struct{} // closed when the load must rest
}

// A safeBuffer may be read during writes.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// serve starts a server and waits for its banner. The error has the log of a server that did not
// start. The server is killed at the end of the test.
func (f faultFolder) serve(t *testing.T, before ...string) (s *faultServer, err error) {
	t.Helper()
	args := append(slices.Clone(before), f.program, "serve", "--data", f.data, "--root-key-file", f.rootKey(), "--addr", "127.0.0.1:0")
	args = append(args, f.flags...)
	cmd := exec.Command(args[0], args[1:]...)
	s = &faultServer{faultFolder: f, stderr: &safeBuffer{}, http: &http.Transport{MaxIdleConnsPerHost: 100}, rest: make(chan struct{})}
	cmd.Stderr = s.stderr
	ctx, cancel := context.WithTimeout(t.Context(), faultPatience)
	defer cancel()
	begun := time.Now()
	if s.Server, err = programtest.Start(ctx, cmd); s.Server == nil {
		return s, err
	}
	t.Cleanup(func() { s.end(syscall.SIGKILL) })
	if err != nil {
		return s, fmt.Errorf("the server did not start, %v:\n%s", err, s.stderr)
	}
	s.endpoint, s.took = s.Endpoint, time.Since(begun)
	return s, nil
}

// end sends the signal if the server still runs, and waits for its end. After SIGTERM the server
// must end in order.
func (s *faultServer) end(signal syscall.Signal) error {
	select {
	case <-s.Ended():
		return s.Wait()
	default:
	}
	s.Signal(signal)
	defer s.http.CloseIdleConnections()
	select {
	case <-s.Ended():
	case <-time.After(faultPatience):
		return fmt.Errorf("the server did not end within %v of signal %v:\n%s", faultPatience, signal, s.stderr)
	}
	if err := s.Wait(); signal == syscall.SIGTERM && err != nil {
		return fmt.Errorf("the server ended, %w:\n%s", err, s.stderr)
	}
	return nil
}

// A faultAnswer is the response to one request, which was sent once.
type faultAnswer struct {
	status   int
	id, kind string // the request ID, and the name of the error if there is one
	body     []byte
}

// member returns a member of the response as decoded JSON.
func (a faultAnswer) member(path ...string) (found any) {
	json.Unmarshal(a.body, &found)
	for _, name := range path {
		members, _ := found.(map[string]any)
		found = members[name]
	}
	return found
}

// bytes returns a member that holds bytes.
func (a faultAnswer) bytes(name string) []byte {
	var members map[string]json.RawMessage
	var b []byte
	json.Unmarshal(a.body, &members)
	json.Unmarshal(members[name], &b)
	return b
}

var errHung = errors.New("no answer came in time")

// call sends a request once and returns the response. After an error, the operation may have taken
// effect or not.
func (s *faultServer) call(ctx context.Context, operation string, in map[string]any) (faultAnswer, error) {
	return s.callAs(ctx, s.credentials, "TrentService."+operation, in)
}

// callAs is call with other credentials. The target has the API and the operation.
func (s *faultServer) callAs(ctx context.Context, as aws.Credentials, target string, in map[string]any) (a faultAnswer, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, faultPatience, errHung)
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return a, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, as, r, hex.EncodeToString(hash[:]), "kms", "us-east-1", time.Now()); err != nil {
		return a, err
	}
	got, err := s.http.RoundTrip(r)
	if err != nil {
		return a, errors.Join(err, context.Cause(ctx))
	}
	defer got.Body.Close()
	a = faultAnswer{status: got.StatusCode, id: got.Header.Get("X-Amzn-Requestid"), kind: got.Header.Get("X-Amzn-Errortype")}
	a.body, err = io.ReadAll(got.Body)
	return a, err
}
