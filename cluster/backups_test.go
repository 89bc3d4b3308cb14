package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// A backup of nodes on etcd is restored to another etcd store and to a folder, and from there back to etcd. Deletions
// since are made again, nodes of the former deployment are refused, and nothing is lost.
func TestBackupsOnEtcd(t *testing.T) {
	t.Parallel()
	testBackups(t, newDeployment(t, startCluster(t, 1)))
}

func TestBackupsOnPostgres(t *testing.T) {
	if os.Getenv("KEYHOLD_CLUSTER") == "" {
		t.Skip("a part of make cluster; TestCopiesBetweenStores writes to PostgreSQL in the same way")
	}
	t.Parallel()
	testBackups(t, deploymentAt(t, startPostgres(t).url("first")))
}

func testBackups(t *testing.T, d *deployment) {
	d.init()
	recipient := d.must("", "recover", "identity", "--out", "identity")
	must(t, os.WriteFile(filepath.Join(d.dir, "recipients"), []byte(recipient), 0o600))
	one, two := d.serve("one"), d.serve("two")
	made := madeKeys{T: t}
	made.make(one)
	early := d.copyOf("one")
	backup := func(name string) {
		two.must("backup      "+name, "backup", "--to", name, "--recipients", "recipients")
	}
	restoring := func(name, to string, more ...string) []string {
		return append([]string{"restore", "--from", name, "--identity", "identity", "--root-key-file", "root.key", "--to", to}, more...)
	}
	made.use(one) // events after the copy of the log
	for i, deadline := 0, time.Now().Add(patience); ; i++ {
		name := "early" + string(rune('a'+i)) + ".backup"
		backup(name)
		out, err := d.run(restoring(name, "short", "--log", early, "--log", d.log("two"))...)
		if id, _, _ := strings.Cut(early, "="); err != nil && strings.Contains(out, "without the audit log of "+id+" up to its end") {
			break
		}
		if i == 25 || time.Now().After(deadline) {
			t.Fatalf("a copy of a log of before the backup is accepted: %v\n%s", err, out)
		}
		must(t, os.RemoveAll(filepath.Join(d.dir, "short")))
		time.Sleep(time.Second)
	}
	backup("a.backup")
	d.must("is sound", "backup", "verify", "a.backup", "--identity", "identity", "--root-key-file", "root.key")
	made.takeAway(one)
	one.end(syscall.SIGTERM)
	two.end(syscall.SIGKILL)
	logs := []string{"--log", d.log("one"), "--log", d.log("two")}

	former := d.url
	d.refuses("nobody knows which deletions", restoring("a.backup", "folder")...)
	d.refuses("nobody knows which deletions", restoring("a.backup", "folder", logs[:2]...)...)
	d.refuses("the target is not empty", restoring("a.backup", former, logs...)...)
	d.moveTo("restored")
	d.must("DisableKey again", restoring("a.backup", d.url, logs...)...)
	d.refuses("the target is not empty", restoring("a.backup", d.url, logs...)...)
	made.check(d, "three", "one", "two")
	d.must(" is sound", "verify", "--store", d.url, "--data", "three", "--root-key-file", "root.key")

	d.must("DisableKey again", restoring("a.backup", "folder", logs...)...)
	d.must("is sound", "verify", "--data", "folder", "--root-key-file", "root.key")
	d.must("backup      ", "backup", "--data", "folder", "--root-key-file", "root.key", "--recipients", "recipients", "--to", "folder.backup")
	d.must("backup      ", "backup", "--store", d.url, "--root-key-file", "root.key", "--recipients", "recipients", "--to", "b.backup")
	d.must("restored    ", restoring("b.backup", "other", "--log", d.log("three"))...)
	d.must("is sound", "verify", "--data", "other", "--root-key-file", "root.key")
	d.moveTo("again")
	d.must("restored    ", restoring("folder.backup", d.url, "--without-logs")...)
	made.check(d, "four", "three")
}

// log returns the flag for the log of a node, whose folder is given.
func (d *deployment) log(folder string) string {
	d.Helper()
	id, err := os.ReadFile(filepath.Join(d.dir, folder, "node-id"))
	must(d.T, err)
	return strings.TrimSpace(string(id)) + "=" + folder
}

// copyOf copies the log of a node, and returns the flag for the copy.
func (d *deployment) copyOf(folder string) string {
	d.Helper()
	to := filepath.Join(d.dir, folder+"-copy")
	must(d.T, os.Mkdir(to, 0o700))
	must(d.T, os.CopyFS(filepath.Join(to, "audit"), os.DirFS(filepath.Join(d.dir, folder, "audit")))) // first, so no line is missing
	text, err := os.ReadFile(filepath.Join(d.dir, folder, "audit.log"))
	must(d.T, err)
	must(d.T, os.WriteFile(filepath.Join(to, "audit.log"), text, 0o600))
	id, _, _ := strings.Cut(d.log(folder), "=")
	return id + "=" + to
}

// madeKeys are two keys, of which one is disabled later.
type madeKeys struct {
	*testing.T
	enabled, disabled *string
	blob              []byte
}

func (n *node) client() *kms.Client {
	id, secret := "", ""
	for _, v := range n.env {
		name, value, _ := strings.Cut(v, "=")
		switch name {
		case "AWS_ACCESS_KEY_ID":
			id = value
		case "AWS_SECRET_ACCESS_KEY":
			secret = value
		}
	}
	return kms.New(kms.Options{BaseEndpoint: &n.Endpoint, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")})
}

func (m *madeKeys) make(n *node) {
	m.Helper()
	c := n.client()
	for _, to := range []**string{&m.enabled, &m.disabled} {
		made, err := c.CreateKey(m.Context(), &kms.CreateKeyInput{})
		must(m.T, err)
		*to = made.KeyMetadata.KeyId
	}
	sealed, err := c.Encrypt(m.Context(), &kms.EncryptInput{KeyId: m.enabled, Plaintext: []byte("hello")})
	must(m.T, err)
	m.blob = sealed.CiphertextBlob
}

// use demands that a node opens the ciphertext.
func (m *madeKeys) use(n *node) {
	m.Helper()
	out, err := n.client().Decrypt(m.Context(), &kms.DecryptInput{CiphertextBlob: m.blob})
	if err != nil || string(out.Plaintext) != "hello" {
		m.Fatalf("Decrypt: %v", err)
	}
}

func (m *madeKeys) takeAway(n *node) {
	m.Helper()
	_, err := n.client().DisableKey(m.Context(), &kms.DisableKeyInput{KeyId: m.disabled})
	must(m.T, err)
}

// check starts a new node on a restored store, which has everything and begins anew, and demands that the former nodes
// do not start there.
func (m *madeKeys) check(d *deployment, node string, former ...string) {
	m.Helper()
	for _, folder := range former {
		out, err := d.run("serve", "--store", d.url, "--root-key-file", "root.key", "--data", folder, "--addr", "127.0.0.1:0")
		if err == nil || !strings.Contains(out, "belongs to another deployment") && !strings.Contains(out, "of a node of another store") {
			m.Errorf("the node %s of the former deployment: %v\n%s", folder, err, out)
		}
	}
	n := d.serve(node)
	m.use(n)
	out, err := n.client().DescribeKey(m.Context(), &kms.DescribeKeyInput{KeyId: m.disabled})
	must(m.T, err)
	if out.KeyMetadata.Enabled {
		m.Error("the key that was disabled after the backup is enabled")
	}
	if list := d.must("serving", "node", "list", "--store", d.url, "--root-key-file", "root.key"); strings.Count(list, "\n") > 3 {
		m.Errorf("the restored deployment has the former nodes:\n%s", list)
	}
	n.end(syscall.SIGTERM)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
