package main

import (
	"bytes"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// A recoverTest is a deployment with custodians, of whom two of three recover it.
type recoverTest struct {
	*testing.T
	program, folder string
	shares          []string // flags
	custody         string   // root key file of the last recovery that ended
	credentials     credentials.StaticCredentialsProvider
}

// run runs the program in the folder, and returns its output.
func (r *recoverTest) run(args ...string) (string, error) {
	c := exec.CommandContext(r.Context(), r.program, args...)
	c.Dir = r.folder
	out, err := c.CombinedOutput()
	return string(out), err
}

func newRecoverTest(t *testing.T) *recoverTest {
	r := &recoverTest{T: t, program: buildProgram(t), folder: t.TempDir(), custody: "data.root-key"}
	var custodians, identities bytes.Buffer
	for range 3 {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&custodians, id.Recipient())
		fmt.Fprintln(&identities, id)
	}
	for name, content := range map[string][]byte{"custodians.txt": custodians.Bytes(), "identities": identities.Bytes()} {
		if err := os.WriteFile(filepath.Join(r.folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := r.run("init", "--data", "data", "--recovery", "custodians.txt", "--threshold", "2", "--shares-out", "shares")
	found := exportLine.FindAllStringSubmatch(out, -1)
	if err != nil || len(found) != 2 {
		t.Fatalf("init: %v\n%s", err, out)
	}
	r.credentials = credentials.NewStaticCredentialsProvider(found[0][2], found[1][2], "")
	r.shares = []string{"--share", "shares/share-1.age", "--share", "shares/share-3.age", "--identity", "identities"}
	return r
}

// serve starts a server, and returns its client.
func (r *recoverTest) serve() (*program, *kms.Client) {
	p := startCommand(r.T, r.Output(), r.program, "serve", "--addr", "127.0.0.1:0",
		"--data", filepath.Join(r.folder, "data"), "--root-key-file", filepath.Join(r.folder, r.custody))
	return p, kms.New(kms.Options{BaseEndpoint: &p.endpoint, Region: "us-east-1", Credentials: r.credentials, RetryMaxAttempts: 1})
}

func (r *recoverTest) recover(to string) []string {
	return append([]string{"recover", "--data", "data", "--to", "key-file:" + to, "--remove-others"}, r.shares...)
}

// killed runs a recovery, and kills it at a random moment of its usual time.
func (r *recoverTest) killed(to string, usual time.Duration) {
	c := exec.Command(r.program, r.recover(to)...)
	c.Dir = r.folder
	if err := c.Start(); err != nil {
		r.Fatal(err)
	}
	time.Sleep(time.Duration(mathrand.Int64N(int64(usual))))
	_ = c.Process.Kill() // fails only if it has ended
	_ = c.Wait()         // reports that it was killed
}

// opens reports whether a root key file opens the deployment, and whether all of it is sound.
func (r *recoverTest) opens(custody string) bool {
	out, err := r.run("verify", "--data", "data", "--root-key-file", custody)
	if err != nil && !strings.Contains(out, "not the root key") && !strings.Contains(out, "not a root key file") && !strings.Contains(out, "no such file") {
		r.Errorf("verify with %s: %v\n%s", custody, err, out)
	}
	return err == nil
}

// Recoveries that are killed at any moment lose nothing: the deployment is in the former custody or in the new one, and
// the same command ends the recovery. KEYHOLD_KILLS is the number of kills.
func TestKillsOfRecover(t *testing.T) {
	t.Parallel()
	kills := fromEnv("KEYHOLD_KILLS", 5)
	r := newRecoverTest(t)
	server, client := r.serve()
	var blobs [][]byte
	for range 10 {
		made, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte("hello")})
		if err != nil {
			t.Fatal(err)
		}
		blobs = append(blobs, sealed.CiphertextBlob)
	}
	if err := server.End(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	former, changed, torn, usual := 0, 0, 0, 100*time.Millisecond
	for i := range kills {
		to := fmt.Sprintf("%d.root-key", i)
		r.killed(to, usual)
		switch {
		case r.opens(r.custody):
			former++
		case r.opens(to):
			changed++
		default:
			t.Fatalf("kill %d: neither custody opens the deployment", i)
		}
		begun := time.Now()
		out, err := r.run(r.recover(to)...)
		if err != nil && strings.Contains(out, "if an earlier run was interrupted, remove this file") {
			torn++
			err = errors.Join(os.Remove(filepath.Join(r.folder, to)))
			if err == nil {
				out, err = r.run(r.recover(to)...)
			}
		}
		if usual = time.Since(begun); err != nil {
			t.Fatalf("kill %d: the recovery does not end: %v\n%s", i, err, out)
		}
		if !r.opens(to) || r.opens(r.custody) {
			t.Fatalf("kill %d: the new custody does not open the deployment, or the former one still does", i)
		}
		r.custody = to
	}
	server, client = r.serve()
	for _, blob := range blobs {
		if out, err := client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob}); err != nil || string(out.Plaintext) != "hello" {
			t.Errorf("%v", err)
		}
	}
	if err := server.End(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r.checkEvents(kills, changed)
	t.Logf("%d kills of keyhold recover: %d before the change, %d after it, %d left a part of a root key file; 0 records lost", kills, former, changed, torn)
}

// checkEvents checks that each recovery has its event once.
func (r *recoverTest) checkEvents(ended, changed int) {
	r.Helper()
	log, err := os.ReadFile(filepath.Join(r.folder, "data", "audit.log"))
	if err != nil {
		r.Fatal(err)
	}
	if got := bytes.Count(log, []byte(`"eventName":"Recover"`)); got != ended+changed {
		r.Errorf("%d events of recoveries, want %d of those that ended and %d of those that were killed", got, ended, changed)
	}
}
