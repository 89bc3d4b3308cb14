package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/programtest"
)

// TestMemoryAfterDeletion looks for deleted material in all of the program's memory, where a core
// dump would show it, and in all of its files. (The program itself writes no core dumps.)
func TestMemoryAfterDeletion(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may read the memory of a process that is not dumpable")
	}
	data := filepath.Join(t.TempDir(), "data")
	t.Setenv("GOEXPERIMENT", "runtimesecret")
	p := startProgram(t, programtest.Build(t, ".", "."), data)
	defer p.kill(t)
	c := p.client()
	material := make([]byte, 32)
	rand.Read(material)
	id := importMaterial(t, c, material)
	var blob []byte
	for i := range 50 {
		enc, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: fmt.Appendf(nil, "plaintext %d", i)})
		if err != nil {
			t.Fatal(err)
		}
		if blob = enc.CiphertextBlob; i%2 == 0 {
			continue
		}
		if _, err := c.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.DeleteImportedKeyMaterial(t.Context(), &kms.DeleteImportedKeyMaterialInput{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	right := countInMemory(t, p.Pid(), material)
	// The program collects its garbage, which erases the material, within the next second.
	later, deadline := right, time.Now().Add(3*time.Minute)
	for later > 0 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
		later = countInMemory(t, p.Pid(), material)
	}
	t.Logf("copies of the deleted material in memory: %d right after the deletion, %d then", right, later)
	if later > 0 {
		t.Errorf("the memory of the program holds the deleted material %d times", later)
	}
	files := 0
	err := filepath.WalkDir(data, func(f string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(f)
		if bytes.Contains(b, material[:16]) || bytes.Contains(b, material[16:]) {
			t.Errorf("%s holds the deleted material", f)
		}
		return err
	})
	if err != nil || files < 4 {
		t.Fatal(files, err)
	}
}

// importMaterial imports material into a new key.
func importMaterial(t *testing.T, c *kms.Client, material []byte) *string {
	t.Helper()
	created, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	if err != nil {
		t.Fatal(err)
	}
	id := created.KeyMetadata.KeyId
	params, err := c.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{
		KeyId: id, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(params.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.ImportKeyMaterial(t.Context(), &kms.ImportKeyMaterialInput{
		KeyId: id, ImportToken: params.ImportToken, EncryptedKeyMaterial: wrapped,
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.String(*id)
}

// countInMemory returns how often the writable memory of a process holds the bytes.
func countInMemory(t *testing.T, pid int, needle []byte) (n int) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	regions := 0
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "rw") {
			continue
		}
		regions++
		n += countIn(bufio.NewReaderSize(io.NewSectionReader(mem, from, to-from), 1<<20), needle)
	}
	if regions == 0 {
		t.Fatal("no memory was read")
	}
	return n
}

// countIn returns how often the readable part of r holds the bytes. A region may end early.
func countIn(r io.Reader, needle []byte) (n int) {
	buf := make([]byte, 0, 2<<20)
	for {
		k, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+k]
		n += bytes.Count(buf, needle)
		keep := min(len(buf), len(needle)-1)
		buf = buf[:copy(buf, buf[len(buf)-keep:])]
		if err != nil {
			return n
		}
	}
}
