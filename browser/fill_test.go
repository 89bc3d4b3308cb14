package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
)

// manyKeys returns the data folder of a dev server with n keys of origin EXTERNAL. It writes the records of the keys
// directly. The material of key I expires I minutes after a day from now; its bytes are not there.
func manyKeys(t *testing.T, n int) (data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	s := start(t, "dev", "--addr", "127.0.0.1:0", "--data", data)
	if err := s.End(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	backend, err := local.Open(data, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	}()
	keyring, err := records.OpenKeyring(t.Context(), backend, rootOf(t, data), false)
	if err != nil {
		t.Fatal(err)
	}
	to := store.New(backend, keyring.Records())
	first := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	for i := 0; i < n; i += batch {
		if err := addKeys(t.Context(), to, i, min(i+batch, n), first); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// rootOf returns the root key of a dev server.
func rootOf(t *testing.T, data string) seal.Root {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	_, encoded, _ := strings.Cut(strings.TrimSpace(string(text)), ":")
	root, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return seal.NewRoot("key-file", root)
}

// batch is the number of keys that one transaction adds.
const batch = 30

func addKeys(ctx context.Context, to *store.Store, from, end int, first time.Time) error {
	const account = "000000000000"
	return to.Update(ctx, func(tx *store.Tx) error {
		for i := from; i < end; i++ {
			k := key.Key{
				ID: fmt.Sprintf("%08x-0000-4000-8000-000000000000", i), Account: account, Region: "us-east-1",
				Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt, Origin: key.OriginExternal, State: key.Enabled,
				CreationDate: time.Now().UTC(), Policy: key.DefaultPolicy(account), Description: fmt.Sprintf("key %d", i),
				Materials: []key.Material{{
					ID: strings.Repeat("0", 64), Sealed: []byte("sealed"), Slot: fmt.Sprint(i),
					ValidTo: first.Add(time.Duration(i) * time.Minute).UTC(),
				}},
			}
			if err := records.InsertKey(tx, k, records.NewestLevel); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestManyKeys checks that a server reads the keys of manyKeys.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t, "--data", manyKeys(t, 3)))
	p.open("/keys")
	answer := p.call("KeyholdAdmin.ListKeySummaries", `{OrderBy: "EXPIRY"}`)
	for i := range 3 {
		if id := fmt.Sprintf(`"%08x-0000-4000-8000-000000000000"`, i); !strings.Contains(answer, id) {
			t.Errorf("%s is missing in %s", id, answer)
		}
	}
}
