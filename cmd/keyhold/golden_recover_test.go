package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
)

// A folder of an older program gets a recovery key, which then opens it. Its keyring gets the newer form, and keyhold
// verify finds the folder sound.
func TestGoldenFoldersAreRecovered(t *testing.T) {
	eachGolden(t, func(t *testing.T, f *goldenFolder) {
		f.checkAnswers() // migrates the records, by the clock of the folder
		in := func(name string) string { return filepath.Join(filepath.Dir(f.data), name) }
		id, err := age.GenerateX25519Identity()
		f.must(err)
		f.must(os.WriteFile(in("custodians"), []byte(id.Recipient().String()), 0o600))
		f.must(os.WriteFile(in("identity"), []byte(id.String()), 0o600))
		f.runCommand("recover", "setup", "--data", f.data, "--root-key-file", f.rootKey,
			"--recovery", in("custodians"), "--threshold", "1", "--shares-out", in("shares"))
		f.must(os.Remove(f.rootKey))
		f.rootKey = in("new-root-key")
		f.runCommand("recover", "--data", f.data, "--share", in("shares/share-1.age"), "--identity", in("identity"),
			"--to", "key-file:"+f.rootKey, "--remove-others")
		f.checkVerify()
	})
}

// runCommand runs a command of the program in this process.
func (f *goldenFolder) runCommand(args ...string) {
	f.t.Helper()
	var out bytes.Buffer
	c := command()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	if err := c.ExecuteContext(f.t.Context()); err != nil {
		f.t.Fatalf("keyhold %q: %v\n%s", args, err, out.String())
	}
}
