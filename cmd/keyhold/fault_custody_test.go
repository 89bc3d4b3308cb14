package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/custodytest"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/programtest"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A custodyRig is a custody that a test can break.
type custodyRig struct {
	custody string // the value of --custody
	faults  []custodyFault
	secret  func() string // PIN, passphrase, authorisation value, or key of the key file
	own     []string      // folders that have the secret
}

// A custodyFault breaks a custody until the function that it returns is called.
type custodyFault struct {
	name   string
	inject func() (mend func())
	cause  string // what the log says; empty if the custody goes on working
}

// slowBy is how long a slow custody takes.
const slowBy = 5 * time.Second

// TestCustodyFaults kills, slows down and removes custodies of all kinds under load. The server goes on serving, and
// its log names the causes. KEYHOLD_CUSTODY_FAULTS is the number of faults of all kinds together; without it there is
// one of each kind, and none that takes 5 seconds.
func TestCustodyFaults(t *testing.T) {
	const kinds = 5
	each := (fromEnv("KEYHOLD_CUSTODY_FAULTS", kinds) + kinds - 1) / kinds
	path := programtest.Build(t, ".", ".", "-tags", "clockfault")
	for name, value := range map[string]string{
		"KEYHOLD_FAULT_CUSTODY": "100ms", "KEYHOLD_FAULT_BEAT": "1s", "KEYHOLD_FAULT_SILENCE": "15s",
	} {
		t.Setenv(name, value)
	}
	rigs := map[string]custodyRig{
		"key-file": fileRig(t, "key-file"), "passphrase": fileRig(t, "passphrase"),
		"awskms": kmsRig(t, path), "pkcs11": tokenRig(t), "tpm": tpmRig(t),
	}
	var total atomic.Int64
	t.Run("kinds", func(t *testing.T) {
		for name, rig := range rigs {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				testCustodyFaults(t, path, rig, each, &total)
			})
		}
	})
	t.Logf("%d faults", total.Load())
}

func testCustodyFaults(t *testing.T, path string, rig custodyRig, n int, total *atomic.Int64) {
	dir := t.TempDir()
	id, secret := initProgram(t, path, dir, rig.custody)
	s := startCustodyServer(t, path, dir, rig)
	c := kms.New(kms.Options{
		BaseEndpoint: aws.String(s.endpoint), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
	made, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	end := s.load(t, c, made.KeyMetadata.KeyId, rig.secret())
	for i := range n {
		fault := rig.faults[i%len(rig.faults)]
		s.suffer(t, fault)
		total.Add(1)
		if t.Failed() {
			break
		}
	}
	blob, requests := end()
	t.Logf("%d faults, %d requests, %d proofs failed", n, requests, strings.Count(s.log.String(), custodyFails))
	if err := s.End(syscall.SIGTERM); err != nil {
		t.Errorf("the server ended with %v\n%s", err, s.log.String())
	}
	mend := rig.faults[0].inject()
	again := exec.CommandContext(t.Context(), path, s.args...)
	again.Dir = dir
	if out, err := again.CombinedOutput(); err == nil || !strings.Contains(string(out), rig.faults[0].cause) {
		t.Errorf("without its custody: %v, want %q\n%s", err, rig.faults[0].cause, out)
	}
	mend()
	s = startCustodyServer(t, path, dir, rig)
	c = kms.New(c.Options(), func(o *kms.Options) { o.BaseEndpoint = aws.String(s.endpoint) })
	if out, err := c.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob}); err != nil || string(out.Plaintext) != "hello" {
		t.Errorf("after the faults: %v", err)
	}
	s.checkSecrets(t, dir, rig)
}

// A custodyServer is a server with its log and its arguments.
type custodyServer struct {
	*program
	log  *lockedBuffer
	args []string
}

func startCustodyServer(t *testing.T, path, dir string, rig custodyRig) *custodyServer {
	t.Helper()
	s := &custodyServer{log: &lockedBuffer{}}
	s.args = []string{"serve", "--data", filepath.Join(dir, "data"), "--addr", "127.0.0.1:0", "--custody", rig.custody}
	command := exec.Command(path, s.args...)
	command.Dir, command.Stderr = dir, s.log
	started, err := programtest.Start(t.Context(), command)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.log.String())
	}
	s.program = &program{started, started.Endpoint}
	t.Cleanup(func() { s.kill(t) })
	return s
}

// load encrypts and decrypts, and looks for a secret in /proc, until end is called. No request may fail.
func (s *custodyServer) load(t *testing.T, c *kms.Client, id *string, secret string) (end func() (blob []byte, requests int64)) {
	t.Helper()
	encrypted, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	var requests atomic.Int64
	for range 2 {
		workers.Go(func() {
			for ctx.Err() == nil {
				_, err := c.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob})
				if err == nil {
					_, err = c.UpdateKeyDescription(t.Context(), &kms.UpdateKeyDescriptionInput{KeyId: id, Description: aws.String(time.Now().String())})
				}
				if err != nil {
					t.Errorf("a request failed: %v", err)
					return
				}
				requests.Add(2)
				time.Sleep(5 * time.Millisecond) // leaves the processor to the custodies
			}
		})
	}
	workers.Go(func() {
		for ctx.Err() == nil {
			if where := inProcesses([]byte(secret)); where != "" {
				t.Errorf("%s shows a secret", where)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	return func() ([]byte, int64) {
		cancel()
		workers.Wait()
		return encrypted.CiphertextBlob, requests.Load()
	}
}

const (
	custodyFails = "the custody of the root key does not work any more"
	custodyWorks = "the custody of the root key works again"
)

// suffer injects a fault, waits until the log names the cause, and repairs the custody.
func (s *custodyServer) suffer(t *testing.T, fault custodyFault) {
	t.Helper()
	before := s.log.String()
	mend := fault.inject()
	if fault.cause == "" {
		time.Sleep(slowBy)
		mend()
		time.Sleep(time.Second) // the proof ends
	} else {
		s.await(t, fault.name, before, custodyFails)
		mend()
		s.await(t, fault.name+" (mended)", before, custodyWorks)
	}
	said := strings.TrimPrefix(s.log.String(), before)
	if fault.cause == "" && said != "" || !strings.Contains(said, fault.cause) {
		t.Errorf("%s: the log does not say %q:\n%s", fault.name, fault.cause, said)
	}
	select {
	case <-s.Ended():
		t.Errorf("%s: the server ended\n%s", fault.name, s.log.String())
	default:
	}
}

func (s *custodyServer) await(t *testing.T, what, before, text string) {
	t.Helper()
	for deadline := time.Now().Add(faultPatience); strings.Count(s.log.String(), text) == strings.Count(before, text); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: the log does not say %q:\n%s", what, text, s.log.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// checkSecrets looks for the secret of the custody, and for the root key, in all files and logs, and in what the system
// shows of processes. The server writes no core dump.
func (s *custodyServer) checkSecrets(t *testing.T, dir string, rig custodyRig) {
	t.Helper()
	if limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", s.Pid())); err != nil || !strings.Contains(strings.Join(strings.Fields(string(limits)), " "), "Max core file size 0 0") {
		t.Errorf("the server may write core dumps: %v\n%s", err, limits)
	}
	if err := s.End(syscall.SIGABRT); err == nil {
		t.Error("SIGABRT does not end the server")
	}
	if err := os.WriteFile(filepath.Join(dir, "log"), []byte(s.log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	root := rootKeyOf(t, filepath.Join(dir, "data"), rig.custody)
	for name, secret := range map[string][]byte{"secret": []byte(rig.secret()), "root key": root} {
		found, files, err := findSecret(dir, secret)
		if err != nil || len(found) > 0 || files < 3 {
			t.Errorf("the %s is in %v of %d files, %v", name, found, files, err)
		}
		if where := inProcesses(secret); where != "" {
			t.Errorf("%s shows the %s", where, name)
		}
	}
	for _, own := range rig.own { // the search finds the secret where it is
		if found, _, err := findSecret(own, []byte(rig.secret())); err != nil || len(found) == 0 {
			t.Errorf("the secret is not found in %s: %v", own, err)
		}
	}
}

// rootKeyOf returns the newest root key of a deployment.
func rootKeyOf(t *testing.T, data, by string) []byte {
	t.Helper()
	s, err := host.ReadStore(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var kept struct {
		Roots []struct {
			Version int
			Wraps   []struct {
				Custody string
				Wrapped []byte
			}
		}
	}
	err = s.Backend.View(t.Context(), func(r store.Reader) error {
		items, err := r.Get([]byte(records.KeyringPath))
		if err != nil {
			return err
		}
		return json.Unmarshal(items[0].Value, &kept)
	})
	if err != nil || len(kept.Roots) == 0 {
		t.Fatalf("%+v, %v", kept, err)
	}
	spec, err := custody.Parse(by)
	if err != nil {
		t.Fatal(err)
	}
	root, err := spec.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	newest := kept.Roots[len(kept.Roots)-1]
	for _, w := range newest.Wraps {
		if w.Custody != root.ID() {
			continue
		}
		key, err := root.Unwrap(t.Context(), w.Wrapped, fmt.Sprintf("keyhold root key v1 %d", newest.Version))
		if err != nil || len(key) != 32 {
			t.Fatal(err)
		}
		return key
	}
	t.Fatalf("%s is not in the keyring", root.ID())
	return nil
}

// inProcesses returns where the system shows a secret in the arguments or the environment of a process, or "".
func inProcesses(secret []byte) string {
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, secret) {
				return file
			}
		}
	}
	return ""
}

// fileRig is the rig of a key file or a passphrase file. A named pipe is a slow file.
func fileRig(t *testing.T, kind string) custodyRig {
	t.Helper()
	dir := t.TempDir()
	file, away := filepath.Join(dir, "secret"), filepath.Join(dir, "away")
	text := "correct horse battery staple-7b1e\n"
	if kind == custody.KeyFileKind {
		if _, err := custody.KeyFile(file).Create(nil); err != nil {
			t.Fatal(err)
		}
		made, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = string(made)
		file = filepath.Join(dir, "made") // init makes it
	} else {
		must(t, os.WriteFile(file, []byte(text), 0o600))
	}
	remove := func() func() {
		must(t, os.Rename(file, away))
		return func() { must(t, os.Rename(away, file)) }
	}
	replace := func(text string) func() func() {
		return func() func() {
			other := file + ".other"
			must(t, os.WriteFile(other, []byte(text), 0o600))
			must(t, os.Link(file, away))
			must(t, os.Rename(other, file)) // at no moment there is no file
			return func() { must(t, os.Rename(away, file)) }
		}
	}
	other := text
	if kind != custody.KeyFileKind {
		other = "another horse battery staple\n"
	}
	secret := func() string {
		now, err := os.ReadFile(file)
		must(t, err)
		return strings.TrimSpace(string(now[strings.LastIndex(string(now), ":")+1:]))
	}
	return custodyRig{custody: kind + ":" + file, secret: secret, own: []string{dir}, faults: []custodyFault{
		{"remove", remove, "no such file or directory"},
		{"alter", replace(other), "now: restore"},
		{"slow", func() func() { return slowFile(t, file, away) }, ""},
	}}
}

// slowFile puts a named pipe in place of a file, which a server may open at any moment. Each reader gets the text after
// slowBy.
func slowFile(t *testing.T, file, away string) (mend func()) {
	pipe := file + ".pipe" // another name, for when the file is back
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, syscall.Mkfifo(pipe, 0o600))
	must(t, os.Link(file, away))
	must(t, os.Link(pipe, file+".slow"))
	must(t, os.Rename(file+".slow", file))
	ended := make(chan struct{})
	var stop atomic.Bool
	go func() {
		defer close(ended)
		for !stop.Load() {
			w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits for a reader
			if err != nil {
				return
			}
			for end := time.Now().Add(slowBy); !stop.Load() && time.Now().Before(end); {
				time.Sleep(10 * time.Millisecond)
			}
			_, _ = w.Write(text) // the reader may be gone
			w.Close()
			for !stop.Load() && hasReader(pipe) { // each reader gets the text once
				time.Sleep(10 * time.Millisecond)
			}
		}
	}()
	return func() {
		must(t, os.Rename(away, file))
		stop.Store(true)
		reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0) // lets the writer continue
		must(t, err)
		<-ended
		must(t, errors.Join(reader.Close(), os.Remove(pipe)))
	}
}

func hasReader(pipe string) bool {
	w, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		w.Close()
	}
	return err == nil
}

// kmsRig is the rig of a key of another server.
func kmsRig(t *testing.T, path string) custodyRig {
	t.Helper()
	data := filepath.Join(t.TempDir(), "other")
	other := startProgram(t, path, data)
	address := strings.TrimPrefix(other.endpoint, "http://")
	var slow atomic.Bool
	t.Setenv("AWS_ENDPOINT_URL_KMS", "http://"+slowLink(t, address, &slow))
	t.Setenv("AWS_ACCESS_KEY_ID", devAccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", devSecret)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	made, err := other.client().CreateKey(t.Context(), &kms.CreateKeyInput{})
	must(t, err)
	id := made.KeyMetadata.KeyId
	return custodyRig{custody: "awskms:" + *made.KeyMetadata.Arn + "?deployment=test", secret: func() string { return devSecret + " is no secret" }, faults: []custodyFault{
		{"kill", func() func() {
			other.kill(t)
			return func() { other = startCommand(t, os.Stderr, path, "dev", "--addr", address, "--data", data) }
		}, "check the network"},
		{"remove", func() func() {
			_, err := other.client().DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: id})
			must(t, err)
			return func() {
				_, err := other.client().EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: id})
				must(t, err)
			}
		}, "enable the key"},
		{"slow", func() func() {
			slow.Store(true)
			return func() { slow.Store(false) }
		}, ""},
	}}
}

// slowLink passes connections on to an address. While it is slow, requests arrive after slowBy.
func slowLink(t *testing.T, to string, slow *atomic.Bool) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	pass := func(near net.Conn) {
		defer near.Close()
		far, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer far.Close()
		go func() {
			_, _ = io.Copy(near, far) // ends with the connection
			near.Close()
		}()
		for buffer := make([]byte, 64<<10); ; {
			n, err := near.Read(buffer)
			if n > 0 && slow.Load() {
				time.Sleep(slowBy)
			}
			if _, failed := far.Write(buffer[:n]); err != nil || failed != nil {
				return
			}
		}
	}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go pass(near)
		}
	}()
	return listener.Addr().String()
}

func tokenRig(t *testing.T) custodyRig {
	t.Helper()
	token := custodytest.NewToken(t, "../..")
	script := func(text string) func() func() { return func() func() { return token.Replace(text) } }
	return custodyRig{
		custody: "pkcs11:token=keyhold;object=root" + token.Query, secret: func() string { return token.PIN },
		own: []string{filepath.Dir(token.PINFile)},
		faults: []custodyFault{
			{"kill", script("kill -9 $$"), "crashed in the library of the vendor"},
			{"remove", func() func() {
				must(t, os.Rename(token.Folder, token.Folder+".away"))
				return func() { must(t, os.Rename(token.Folder+".away", token.Folder)) }
			}, "the token of pkcs11:token=keyhold;object=root: "},
			{"slow", script(fmt.Sprintf("sleep %d; exec $REAL", slowBy/time.Second)), ""},
		},
	}
}

func tpmRig(t *testing.T) custodyRig {
	t.Helper()
	tpm := custodytest.NewTPM(t)
	tpm.AllowTries(200)
	dir := t.TempDir()
	const auth = "auth-5d0c2b19-77aa"
	must(t, os.WriteFile(filepath.Join(dir, "auth"), []byte(auth), 0o600))
	return custodyRig{
		custody: "tpm:" + tpm.Socket + "?pcrs=0,7&auth=" + filepath.Join(dir, "auth"), secret: func() string { return auth }, own: []string{dir},
		faults: []custodyFault{
			{"kill", func() func() { tpm.Kill(); return tpm.Start }, "check that the machine has a TPM 2.0"},
			{"remove", func() func() {
				must(t, os.Rename(tpm.Socket, tpm.Socket+".away"))
				return func() { must(t, os.Rename(tpm.Socket+".away", tpm.Socket)) }
			}, "check that the machine has a TPM 2.0"},
			{"slow", func() func() {
				tpm.Signal(syscall.SIGSTOP)
				return func() { tpm.Signal(syscall.SIGCONT) }
			}, ""},
		},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, fs.ErrClosed) {
		t.Fatal(err)
	}
}
