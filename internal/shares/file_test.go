package shares

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/keyhold/keyhold/internal/recipients"
)

// newIdentity returns a file of identities, and the line of its recipient.
func newIdentity(t *testing.T) (file []byte, recipient string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return []byte("# a custodian\n" + id.String() + "\n"), id.Recipient().String()
}

func identitiesOf(t *testing.T, file []byte) []recipients.Identity {
	t.Helper()
	ids, err := recipients.ParseIdentities(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// encryptTo encrypts share 1 for the custodian of a line.
func encryptTo(t *testing.T, line string) (share *Share, file []byte) {
	t.Helper()
	to, err := ParseRecipients([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	share = splitOf(t, 2, 3)[0]
	if file, err = share.Encrypt(to[0]); err != nil {
		t.Fatal(err)
	}
	return share, file
}

func TestEncryptedShare(t *testing.T) {
	ids, line := newIdentity(t)
	share, file := encryptTo(t, line)
	if len(file) > MaxFile || !bytes.HasPrefix(file, []byte("-----BEGIN AGE ENCRYPTED FILE-----\n")) {
		t.Errorf("%q", file)
	}
	read, err := Read(file, identitiesOf(t, ids))
	if err != nil || !bytes.Equal(read.Encode(), share.Encode()) {
		t.Fatal(err)
	}
	if read, err = Read(share.Encode(), nil); err != nil || !bytes.Equal(read.Encode(), share.Encode()) {
		t.Error(err)
	}
	if _, err := Read(file, nil); !errors.Is(err, ErrEncrypted) {
		t.Errorf("without identities: %v", err)
	}
	others, _ := newIdentity(t)
	if _, err := Read(file, identitiesOf(t, others)); err == nil || !strings.Contains(err.Error(), "encrypted to somebody else") {
		t.Errorf("by another custodian: %v", err)
	}
	for _, at := range []int{40, 200, len(file) / 2, len(file) - 60} {
		damaged := bytes.Clone(file)
		damaged[at] ^= 1
		if _, err := Read(damaged, identitiesOf(t, ids)); err == nil {
			t.Errorf("damage at %d is not noticed", at)
		}
	}
	if _, err := Read(file[:len(file)-100], identitiesOf(t, ids)); err == nil {
		t.Error("a file that was cut off is accepted")
	}
	if _, err := Read(make([]byte, MaxFile+1), nil); err == nil || !strings.Contains(err.Error(), "more than 32768 bytes") {
		t.Error(err)
	}
}

// A file of age that encrypts something else, also without a bound, is not a share.
func TestOtherEncryptedFiles(t *testing.T) {
	ids, line := newIdentity(t)
	to, err := ParseRecipients([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                            "does not begin with keyhold-share-v1",
		"hello\n":                     "does not begin with keyhold-share-v1",
		strings.Repeat("x", 17<<10):   "more than 16384 bytes",
		"keyhold-share-v1\nkind: x\n": `the line "of" is missing`,
	} {
		var file bytes.Buffer
		w, err := recipients.Seal(&file, to[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file.Bytes(), identitiesOf(t, ids)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestRecipients(t *testing.T) {
	_, one := newIdentity(t)
	_, two := newIdentity(t)
	const ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIbi0rs+VW8xQGEZMhyVbCNAJTpgsCiJ1eyGjRZ0WUlr"
	all, err := ParseRecipients([]byte("# custodians\n\n" + one + "\r\n  " + two + "\n" + ssh + " carol@example.com"))
	if err != nil || len(all) != 3 || all[0].Name != one || all[1].Name != two || all[2].Name != ssh {
		t.Fatalf("%+v, %v", all, err)
	}
	var many strings.Builder
	for range MaxShares + 1 {
		_, line := newIdentity(t)
		many.WriteString(line + "\n")
	}
	secret, _ := newIdentity(t)
	for text, want := range map[string]string{
		"":                                     "has 0 recipients",
		"# nobody\n":                           "has 0 recipients",
		many.String():                          "has 33 recipients: give 1 to 32",
		one + "\n" + one:                       "lines 1 and 2 have the same recipient",
		ssh + " a\n" + ssh + " b":              "lines 1 and 2 have the same recipient",
		one + "\nage1other":                    "line 2 is not a recipient",
		"alice@example.com":                    "line 1 is not a recipient",
		"ssh-dss AAAA":                         "line 1 is not a recipient",
		strings.TrimSpace(string(secret[14:])): "it is a secret identity",
	} {
		all, err := ParseRecipients([]byte(text))
		if all != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "AGE-SECRET") {
			t.Errorf("the error shows an identity: %v", err)
		}
	}
}

// run runs a program, which the test needs.
func run(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(err)
	}
	c := exec.CommandContext(t.Context(), name, args...)
	c.Stdin = bytes.NewReader(stdin)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return out
}

// The program age reads shares, and a file that it encrypts is read as a share: a custodian can hand a share on.
func TestAgeProgram(t *testing.T) {
	folder := t.TempDir()
	id := filepath.Join(folder, "id")
	run(t, nil, "age-keygen", "-o", id)
	line := strings.TrimSpace(string(run(t, nil, "age-keygen", "-y", id)))
	share, file := encryptTo(t, line)
	if text := run(t, file, "age", "-d", "-i", id); !bytes.Equal(text, share.Encode()) {
		t.Errorf("age opens it to %q", text)
	}
	identities, err := os.ReadFile(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-r", line}, {"-a", "-r", line}} {
		handed := run(t, share.Encode(), "age", args...)
		if read, err := Read(handed, identitiesOf(t, identities)); err != nil || !bytes.Equal(read.Encode(), share.Encode()) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// Keys of SSH, with and without a passphrase, can be used in place of identities of age.
func TestSSHKeys(t *testing.T) {
	for _, test := range []struct{ kind, passphrase string }{{"ed25519", ""}, {"ed25519", "a passphrase"}, {"rsa", ""}} {
		id := filepath.Join(t.TempDir(), "id")
		run(t, nil, "ssh-keygen", "-q", "-t", test.kind, "-N", test.passphrase, "-f", id)
		public, err := os.ReadFile(id + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		private, err := os.ReadFile(id)
		if err != nil {
			t.Fatal(err)
		}
		share, file := encryptTo(t, string(public))
		asked := 0
		ids, err := recipients.ParseIdentities(private, func() ([]byte, error) {
			asked++
			return []byte(test.passphrase), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		read, err := Read(file, ids)
		if err != nil || !bytes.Equal(read.Encode(), share.Encode()) || (asked > 0) != (test.passphrase != "") {
			t.Errorf("%+v, asked %d times: %v", test, asked, err)
		}
		if test.passphrase == "" {
			if text := run(t, file, "age", "-d", "-i", id); !bytes.Equal(text, share.Encode()) {
				t.Errorf("age opens it to %q", text)
			}
		}
	}
}

// A share of a custodian with an identity of HPKE is read by the same function.
func TestShareByHPKE(t *testing.T) {
	for _, kind := range recipients.Kinds() {
		ids, to, err := recipients.Generate(kind)
		if err != nil {
			t.Fatal(err)
		}
		share, file := encryptTo(t, to.Text())
		if len(file) > MaxFile || !bytes.HasPrefix(file, []byte("-----BEGIN KEYHOLD SEALED FILE-----\n")) {
			t.Errorf("%d bytes: %q", len(file), file)
		}
		read, err := Read(file, identitiesOf(t, ids))
		if err != nil || !bytes.Equal(read.Encode(), share.Encode()) {
			t.Error(kind, err)
		}
		if _, err := Read(file, nil); !errors.Is(err, ErrEncrypted) {
			t.Errorf("without identities: %v", err)
		}
		others, _ := newIdentity(t)
		if _, err := Read(file, identitiesOf(t, others)); err == nil || !strings.Contains(err.Error(), "encrypted to somebody else") {
			t.Errorf("by another custodian: %v", err)
		}
	}
}
