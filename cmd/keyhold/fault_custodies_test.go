package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/recipients"
)

// custodyKinds are the kinds of custody, in the order of the tests.
var custodyKinds = []string{"key-file", "passphrase", "awskms", "pkcs11", "tpm"}

// newCustodies makes a custody of each kind.
func newCustodies(t *testing.T, path string) map[string]custodyRig {
	return map[string]custodyRig{
		"key-file": fileRig(t, "key-file"), "passphrase": fileRig(t, "passphrase"),
		"awskms": kmsRig(t, path), "pkcs11": tokenRig(t), "tpm": tpmRig(t),
	}
}

// A moving deployment has its root key in one custody after another.
type moving struct {
	*testing.T
	program, folder string
	custody         custodyRig
	shares          []string // flags
	credentials     credentials.StaticCredentialsProvider
	server          *custodyServer
	blob            []byte
	output          []byte // of all programs that have ended
}

// newMoving makes a deployment with custodians, of whom two of three recover it, and with a ciphertext.
func newMoving(t *testing.T, path string, rig custodyRig) *moving {
	t.Helper()
	m := &moving{T: t, program: path, folder: t.TempDir(), custody: rig}
	var custodians, identities []byte
	for _, kind := range recipients.Kinds()[:3] {
		id, to, err := recipients.Generate(kind)
		must(t, err)
		identities, custodians = append(identities, id...), fmt.Appendln(custodians, to.Text())
	}
	must(t, os.WriteFile(filepath.Join(m.folder, "custodians"), custodians, 0o600))
	must(t, os.WriteFile(filepath.Join(m.folder, "identities"), identities, 0o600))
	out := m.must("init", "--data", "data", "--custody", rig.custody,
		"--recovery", "custodians", "--threshold", "2", "--shares-out", "shares")
	found := exportLine.FindAllStringSubmatch(out, -1)
	if len(found) != 2 {
		t.Fatal(out)
	}
	m.credentials = credentials.NewStaticCredentialsProvider(found[0][2], found[1][2], "")
	m.shares = []string{"--share", "shares/share-1.sealed", "--share", "shares/share-3.sealed", "--identity", "identities"}
	m.start()
	c := m.client()
	made, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{})
	must(t, err)
	sealed, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte("hello")})
	must(t, err)
	m.blob = sealed.CiphertextBlob
	return m
}

// run runs the program in the folder, as a client of the server if it runs.
func (m *moving) run(args ...string) (string, error) {
	c := exec.CommandContext(m.Context(), m.program, args...)
	c.Dir = m.folder
	if m.server != nil {
		c.Env = append(os.Environ(), "AWS_ENDPOINT_URL_KMS="+m.server.endpoint, "AWS_REGION=us-east-1",
			"AWS_ACCESS_KEY_ID="+m.credentials.Value.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+m.credentials.Value.SecretAccessKey)
	}
	out, err := c.CombinedOutput()
	m.output = append(m.output, out...)
	return string(out), err
}

// must runs the program, and demands that it succeeds.
func (m *moving) must(args ...string) string {
	m.Helper()
	out, err := m.run(args...)
	if err != nil {
		m.Fatalf("keyhold %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (m *moving) start() { m.server = startCustodyServer(m.T, m.program, m.folder, m.custody) }

func (m *moving) stop() {
	m.Helper()
	if err := m.server.End(syscall.SIGTERM); err != nil {
		m.Fatalf("the server ended with %v\n%s", err, m.server.log)
	}
	m.output = append(m.output, m.server.log.String()...)
	m.server = nil
}

func (m *moving) client() *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: &m.server.endpoint, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: m.credentials,
	})
}

// decrypts demands that the server has the keys.
func (m *moving) decrypts(when string) {
	m.Helper()
	out, err := m.client().Decrypt(m.Context(), &kms.DecryptInput{CiphertextBlob: m.blob})
	if err != nil || string(out.Plaintext) != "hello" {
		m.Fatalf("%s: %v", when, err)
	}
}

// isShut demands that a custody does not open the deployment.
func (m *moving) isShut(when string, rig custodyRig, want string) {
	m.Helper()
	out, err := m.run("verify", "--data", "data", "--custody", rig.custody)
	if err == nil || !strings.Contains(out, want) {
		m.Fatalf("%s: %s opens the deployment, or the error is not %q: %v\n%s", when, rig.custody, want, err, out)
	}
}

// pairsOfKinds returns each kind with the next one, or with all others if KEYHOLD_CUSTODY_PAIRS is set. Each pair begins
// where the one before ended.
func pairsOfKinds() (pairs [][2]string) {
	steps := 1
	if os.Getenv("KEYHOLD_CUSTODY_PAIRS") != "" {
		steps = len(custodyKinds) - 1
	}
	for step := 1; step <= steps; step++ { // the number of kinds is prime, so each step visits all of them
		for n := range custodyKinds {
			from, to := n*step%len(custodyKinds), (n+1)*step%len(custodyKinds)
			pairs = append(pairs, [2]string{custodyKinds[from], custodyKinds[to]})
		}
	}
	return pairs
}

func TestPairsOfKinds(t *testing.T) {
	t.Setenv("KEYHOLD_CUSTODY_PAIRS", "1")
	pairs, seen := pairsOfKinds(), map[[2]string]bool{}
	for i, p := range pairs {
		if p[0] == p[1] || seen[p] || i > 0 && p[0] != pairs[i-1][1] {
			t.Errorf("pair %d is %q", i, p)
		}
		seen[p] = true
	}
	if len(pairs) != 20 {
		t.Errorf("%d pairs", len(pairs))
	}
}

// A deployment whose custody is lost is opened by shares and put under another kind of custody, also when the root key
// was replaced twice since the shares were made.
func TestRecoveryFromEachCustody(t *testing.T) {
	path := buildProgram(t)
	rigs := newCustodies(t, path)
	for _, pair := range pairsOfKinds() {
		t.Run(pair[0]+" to "+pair[1], func(t *testing.T) {
			lost, to := rigs[pair[0]], rigs[pair[1]]
			if file, ok := strings.CutPrefix(lost.custody, "key-file:"); ok { // init makes it
				must(t, os.RemoveAll(file))
			}
			m := newMoving(t, path, lost)
			for range 2 {
				m.must("seal", "rotate", "--root")
			}
			m.decrypts("after two rotations")
			m.stop()
			i := 0
			for lost.faults[i].name != "remove" {
				i++
			}
			mend := lost.faults[i].inject()
			m.isShut("without its custody", lost, lost.faults[i].cause)
			if out, err := m.run("recover", "--data", "data", "--to", to.custody, m.shares[0], m.shares[1], m.shares[4], m.shares[5]); err == nil ||
				!strings.Contains(out, "too few shares") {
				t.Errorf("one share: %v\n%s", err, out)
			}
			m.must(append([]string{"recover", "--data", "data", "--to", to.custody, "--remove-others"}, m.shares...)...)
			m.custody = to
			m.start()
			m.decrypts("after the recovery")
			m.must("seal", "rotate", "--root")
			m.stop()
			mend()
			m.isShut("after it was removed", lost, "not")
			m.must("verify", "--data", "data", "--custody", to.custody)
		})
	}
}

// A server that runs moves from each kind of custody to another one, and starts with the new custody only.
func TestMigrateBetweenCustodies(t *testing.T) {
	path := buildProgram(t)
	rigs := newCustodies(t, path)
	pairs := pairsOfKinds()
	m := newMoving(t, path, rigs[pairs[0][0]])
	made := map[string]bool{pairs[0][0]: true, "passphrase": true, "awskms": true, "tpm": true}
	for _, pair := range pairs {
		from, to := rigs[pair[0]], rigs[pair[1]]
		if !made[pair[1]] {
			m.must("seal", "make", to.custody)
			made[pair[1]] = true
		}
		m.must("seal", "migrate", "--to", to.custody, "--remove")
		m.decrypts("after the move to " + pair[1])
		m.stop()
		m.isShut("after the move to "+pair[1], from, "not")
		m.custody = to
		m.start()
		m.decrypts("after a start with " + pair[1])
	}
	m.stop()
	m.must("verify", "--data", "data", "--custody", m.custody.custody)
}
