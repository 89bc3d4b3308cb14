package witness

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/transparency"
)

// The files of a folder: the key of the witness, and the newest checkpoint of each log.
const (
	keyName         = "witness.key"
	checkpointsName = "checkpoints"
)

// keyPrefix begins a private key, as in c2sp.org/signed-note.
const keyPrefix = "PRIVATE+KEY+"

const maxKey = 1 << 10

// HasKey reports whether a folder belongs to a witness.
func HasKey(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, keyName))
	return err == nil
}

// Create makes a witness with this name: its key, in a folder that has none. It creates the folder if only its last
// element is missing.
func Create(folder, name string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	defer clear(key)
	v, err := cosign.NewVerifier(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	for _, path := range []string{folder, filepath.Join(folder, checkpointsName)} {
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("the folder of the witness: %w", err)
		}
	}
	if err := guarded.CheckFolder(folder); err != nil {
		return err
	}
	seed := append([]byte{cosign.Algorithm}, key.Seed()...)
	defer clear(seed)
	text := fmt.Appendf(nil, "%s%s+%08x+%s\n", keyPrefix, name, v.KeyHash(), base64.StdEncoding.EncodeToString(seed))
	defer clear(text)
	return durable.CreateFile(filepath.Join(folder, keyName), text)
}

// readKey reads the key in a folder.
func readKey(folder string) (s cosign.Signer, err error) {
	path := filepath.Join(folder, keyName)
	text, err := guarded.ReadSecret("the key of the witness", path, maxKey)
	if err != nil {
		return s, err
	}
	defer clear(text)
	broken := fmt.Errorf("%s does not have the key of a witness: restore the file from a backup", path)
	rest, ok := strings.CutPrefix(strings.TrimSuffix(string(text), "\n"), keyPrefix)
	fields := strings.Split(rest, "+")
	if !ok || len(fields) < 3 {
		return s, broken
	}
	seed, err := base64.StdEncoding.DecodeString(strings.Join(fields[2:], "+"))
	if err != nil || len(seed) != 1+ed25519.SeedSize || seed[0] != cosign.Algorithm {
		return s, broken
	}
	defer clear(seed)
	s, err = cosign.NewSigner(fields[0], ed25519.NewKeyFromSeed(seed[1:]))
	if err != nil || fields[1] != fmt.Sprintf("%08x", s.KeyHash()) {
		return s, broken
	}
	return s, nil
}

// lock opens and locks the key, so that one process at a time is the witness.
func lock(folder string) (*os.File, error) {
	f, err := os.Open(filepath.Join(folder, keyName))
	if err != nil {
		return nil, err
	}
	if err := durable.Lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: another witness runs on %s", err, folder)
	}
	return f, nil
}

// checkpointPath returns the file of the newest checkpoint of a log.
func checkpointPath(folder, origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return filepath.Join(folder, checkpointsName, hex.EncodeToString(sum[:16]))
}

// readNewest returns the newest checkpoint of a log that the witness has cosigned, or [cosign.Empty].
func readNewest(folder, origin string, v *cosign.Verifier) (c transparency.Checkpoint, err error) {
	path := checkpointPath(folder, origin)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return cosign.Empty(origin), nil
	}
	if err != nil {
		return c, err
	}
	if c, _, err = cosign.Open(text, v); err != nil || c.Origin != origin {
		return c, fmt.Errorf("%s does not have the checkpoint of %s with the signature of this witness: restore the file. "+
			"Without it the witness could cosign a log that lacks lines", path, origin)
	}
	return c, nil
}
