package keyfile

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A format is a row of testdata/formats.txt.
type format struct{ heading, name, makes, spec, outcome string }

func parseFormats(t *testing.T) (rows []format) {
	text, err := os.ReadFile("testdata/formats.txt")
	if err != nil {
		t.Fatal(err)
	}
	heading := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = h
		}
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, " | ")
		if len(f) != 4 {
			t.Fatalf("%d columns: %s", len(f), line)
		}
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		rows = append(rows, format{heading, f[0], f[1], f[2], f[3]})
	}
	return rows
}

// A workshop is a folder in which the test makes files.
type workshop struct{ dir string }

func newWorkshop(t *testing.T) workshop {
	w := workshop{t.TempDir()}
	t.Cleanup(func() {
		kill := exec.Command("gpgconf", "--kill", "gpg-agent")
		kill.Env = append(os.Environ(), "GNUPGHOME="+filepath.Join(w.dir, "gnupg"))
		kill.Run() // fails if gpg is not installed
	})
	if err := os.CopyFS(w.dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{28, 32, 48, 64, 128, 129} {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(255 - i) // not text, in base64 with both of its special characters
		}
		w.write(t, fmt.Sprintf("%d.bin", size), b)
	}
	for name, args := range map[string]string{
		"rsa.pem":  "RSA -pkeyopt rsa_keygen_bits:2048",
		"ec.pem":   "EC -pkeyopt ec_paramgen_curve:P-256",
		"p384.pem": "EC -pkeyopt ec_paramgen_curve:P-384",
		"k1.pem":   "EC -pkeyopt ec_paramgen_curve:secp256k1",
	} {
		w.mustRun(t, "openssl genpkey -out "+name+" -algorithm "+args)
	}
	w.write(t, "zero.pem", keyWithZero(t, func(k *ecdsa.PrivateKey) []byte { point, _ := k.PublicKey.Bytes(); return point[1:] }))
	w.write(t, "zeroscalar.pem", keyWithZero(t, func(k *ecdsa.PrivateKey) []byte { scalar, _ := k.Bytes(); return scalar }))
	return w
}

func (w workshop) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// keyWithZero makes an EC key on P-256 with a number that begins with a zero byte.
func keyWithZero(t *testing.T, number func(*ecdsa.PrivateKey) []byte) []byte {
	for {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if number(k)[0] != 0 {
			continue
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
}

// optional are the programs that may be missing: the rows that need them are skipped.
var optional = regexp.MustCompile(`(age|age-keygen|bzip2|gpg|iconv|jq|keytool|puttygen|ssh-keygen|unzip|xxd|xz): (command )?not found`)

// run runs a command with bash, and skips the test if a program is not installed.
func (w workshop) run(t *testing.T, command string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", "set -euo pipefail; . ./make.sh; "+command)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "PYTHON="+cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3"))
	cmd.WaitDelay = time.Second // the agent of gpg continues, and may keep the pipes open
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		if m := optional.FindStringSubmatch(stderr.String()); m != nil {
			t.Skipf("%s is not installed", m[1])
		}
		return nil, fmt.Errorf("%w: %s", err, &stderr)
	}
	return out, nil
}

func (w workshop) mustRun(t *testing.T, command string) []byte {
	t.Helper()
	out, err := w.run(t, command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return out
}

func secret12() ([]byte, error) { return []byte("secret12"), nil }

// Each file of the table is recognised, with the outcome in the table. The command of each
// refusal works.
func TestFormats(t *testing.T) {
	w := newWorkshop(t)
	seen := map[string]bool{}
	for _, row := range parseFormats(t) {
		name := row.heading[:min(12, len(row.heading))] + "/" + row.name
		if seen[name] {
			t.Errorf("%s: twice", name)
		}
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			content := w.mustRun(t, row.makes)
			before := bytes.Clone(content)
			m, err := read(content, row.spec)
			if !bytes.Equal(content, before) {
				t.Error("the content was changed")
			}
			row.check(t, m, err)
			if err == nil {
				w.checkMaterial(t, row, m)
				return
			}
			showsNothing(t, content, err)
			if n, ok := errors.AsType[*NotRead](err); ok {
				w.checkHint(t, row, n, content)
			}
		})
	}
}

func read(content []byte, spec string) (*Material, error) {
	f, err := Read(content, secret12)
	if err != nil {
		return nil, err
	}
	defer f.Clear()
	return f.Material(spec)
}

func (row format) check(t *testing.T, m *Material, err error) {
	t.Helper()
	if kind, ok := strings.CutPrefix(row.outcome, "not "); ok {
		n, ok := errors.AsType[*NotRead](err)
		if !ok || n.Kind != kind {
			t.Errorf("%v, %s; want the kind %s", err, formOf(m), kind)
		}
	} else if text, ok := strings.CutPrefix(row.outcome, "wrong: "); ok {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, %s", err, formOf(m))
		}
	} else if err != nil || m.Form != row.outcome {
		t.Errorf("%v, %s", err, formOf(m))
	}
}

func formOf(m *Material) string {
	if m == nil {
		return "no material"
	}
	return m.Form
}

// showsNothing fails if an error contains a part of the content. A command may contain names from
// the content.
func showsNothing(t *testing.T, content []byte, err error) {
	const part = 14
	text := err.Error()
	if n, ok := errors.AsType[*NotRead](err); ok {
		what, _, _ := strings.Cut(n.What, "(") // the name of an algorithm
		text = what + n.Do
	}
	for i := 0; i+part <= len(content); i++ {
		if strings.Contains(text, string(content[i:i+part])) {
			t.Errorf("the error shows %q", content[i:i+part])
			return
		}
	}
}

var source = regexp.MustCompile(`\b(\w+)\.(pem|bin)\b`)

// checkMaterial compares the material with the file from which the row made its file.
func (w workshop) checkMaterial(t *testing.T, row format, m *Material) {
	from := source.FindStringSubmatch(row.makes)
	switch {
	case from == nil:
	case m.PublicKey != nil:
		if want := w.mustRun(t, "openssl pkey -in "+from[0]+" -pubout -outform DER"); !bytes.Equal(m.PublicKey, want) {
			t.Errorf("the public key is not the one of %s", from[0])
		}
	default:
		if want := w.mustRun(t, "cat "+from[0]); !bytes.Equal(m.Bytes, want) {
			t.Errorf("%d bytes, which differ from %s", len(m.Bytes), from[0])
		}
	}
}

// The kinds of refusals in the table, and in the code, are the same.
func TestEachRefusalHasARow(t *testing.T) {
	kinds := map[string]bool{}
	for _, n := range parseRefusals() {
		if kinds[n.Kind] {
			t.Errorf("the kind %s is there twice", n.Kind)
		}
		kinds[n.Kind] = true
	}
	rows := map[string]bool{}
	for _, row := range parseFormats(t) {
		if kind, ok := strings.CutPrefix(row.outcome, "not "); ok {
			rows[kind] = true
		}
	}
	if !maps.Equal(kinds, rows) {
		t.Errorf("refusals %v, rows %v", slices.Sorted(maps.Keys(kinds)), slices.Sorted(maps.Keys(rows)))
	}
	used := slices.Collect(maps.Values(labels))
	for _, m := range magics {
		used = append(used, m.kind)
	}
	for _, b := range beginnings {
		used = append(used, b.kind)
	}
	for _, j := range jsonKinds {
		used = append(used, j.kind)
	}
	for _, kind := range used {
		if !kinds[kind] {
			t.Errorf("no refusal of the kind %s", kind)
		}
	}
}
