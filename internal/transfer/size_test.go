package transfer

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// docs/cluster.md has the sizes of the records of a key with material, an alias and ten grants. The names of the store
// and the overhead of etcd are not included.
func TestSizesInDocument(t *testing.T) {
	w := newCopyTest(t)
	size := func() (n, bytes int) {
		for _, item := range w.content(w.from.Backend, "") {
			n, bytes = n+1, bytes+len(item.Key)+len(item.Value)
		}
		return n, bytes
	}
	records0, bytes0 := size()
	k := key.Key{
		ID: uuid.NewString(), Account: testAccount, Region: "eu-west-2", Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt,
		Origin: key.OriginAWSKMS, State: key.PendingImport, CreationDate: time.Now().UTC(), Policy: key.DefaultPolicy(testAccount),
	}
	k, err := k.ImportMaterial(w.material(k), nil)
	w.must(err)
	w.update(func(tx *store.Tx) error { return records.InsertKey(tx, k, records.NewestLevel) })
	w.update(func(tx *store.Tx) error {
		return records.InsertAlias(tx, key.Alias{Name: "alias/payments-0000001", Account: k.Account, Region: k.Region, KeyID: k.ID})
	})
	records1, bytes1 := size()
	for i := range 10 {
		w.update(func(tx *store.Tx) error {
			return records.InsertGrant(tx, key.Grant{
				ID: strings.Repeat("0", 63) + fmt.Sprint(i), Account: k.Account, Region: k.Region, KeyID: k.ID,
				CreationDate: time.Now().UTC(), Grantee: key.Principal("arn:aws:iam::" + testAccount + ":role/service-0000001"),
				Operations: []string{"Decrypt", "GenerateDataKey"}, Constraints: key.GrantConstraints{ContextSubset: map[string]string{"tenant": fmt.Sprint(i)}},
			})
		})
	}
	records2, bytes2 := size()
	text, err := os.ReadFile("../../docs/cluster.md")
	w.must(err)
	for what, got := range map[string][2]int{
		"a key with material and an alias": {records1 - records0, bytes1 - bytes0},
		"ten grants on it":                 {records2 - records1, bytes2 - bytes1},
	} {
		want := fmt.Sprintf("| %s | %d | %.1f KB |", what, got[0], float64(got[1])/1000)
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/cluster.md lacks %s", want)
		}
	}
}
