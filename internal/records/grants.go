package records

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// The kinds of record of grants. Each grant is a record of its own. Listings of a principal's
// grants read one index, and decisions read another (GrantMatches), so that the cost of a request
// does not depend on the number of grants on a key.
var (
	Grants          = tableOf[key.Grant]("grant")
	GrantGuards     = tableOf[GrantGuard]("grant-guard")
	GrantsOfGrantee = tableOf[struct{}]("grant-of-grantee")
	GrantsOfRetirer = tableOf[struct{}]("grant-of-retirer")
	// GrantRequests record which grant a request with a name created.
	GrantRequests = tableOf[GrantRequest]("grant-request")
)

// A GrantGuard counts the grants on a key. Every transaction that adds or removes a grant reads
// and writes it, so that the quota holds without counting.
type GrantGuard struct {
	Count int `json:"count"`
}

// A GrantRequest names the grant that a CreateGrant request created. Its path has the digest of
// the request.
type GrantRequest struct {
	GrantID string `json:"grantId"`
}

// KeyPathOfGrant returns the path of the key of a grant. The grants of a key are below it.
func KeyPathOfGrant(g key.Grant) string { return KeyPath(g.Account, g.Region, g.KeyID) }

func GrantPath(g key.Grant) string { return KeyPathOfGrant(g) + "/" + g.ID }

// UnderGrantee returns the beginning of the index entries of a principal's grants on a key. An
// entry ends with the grant ID.
func UnderGrantee(keyPath string, p key.Principal) string { return keyPath + "/" + flat(p) + "/" }

// UnderRetirer returns the beginning of the index entries of the grants in a Region that a
// principal may retire. An entry ends with the path of the grant without the Region.
func UnderRetirer(region string, p key.Principal) string { return region + "/" + flat(p) + "/" }

// flat returns the principal with "|" in place of "/", which separates the parts of a path. No
// principal contains "|".
func flat(p key.Principal) string { return strings.ReplaceAll(string(p), "/", "|") }

func GrantOfGranteePath(g key.Grant) string { return UnderGrantee(KeyPathOfGrant(g), g.Grantee) + g.ID }

func GrantOfRetirerPath(g key.Grant) string {
	return UnderRetirer(g.Region, g.Retiring) + g.Account + "/" + g.KeyID + "/" + g.ID
}

// GrantRequestPath returns the path of the record of a request for a grant with a name: under the
// key, by a digest of the whole request.
func GrantRequestPath(g key.Grant) (string, error) {
	asked, err := Grants.Codec.Encode(g.Request())
	digest := sha256.Sum256(asked)
	return KeyPathOfGrant(g) + "/" + hex.EncodeToString(digest[:]), err
}

// InsertGrant writes a new grant, its index entries, and the guard of the key's grants.
func InsertGrant(tx *store.Tx, g key.Grant) error {
	guard, _, err := GrantGuards.Get(tx, KeyPathOfGrant(g))
	if err != nil {
		return err
	}
	if guard.Count++; guard.Count > key.MaxGrants {
		return key.Errorf(key.KindLimitExceeded, "A key can have at most %d grants.", key.MaxGrants)
	}
	shapes, err := IndexGrant(tx, g)
	if err != nil {
		return err
	}
	if err := shapes.check(ShapeOf(g)); err != nil {
		return err
	}
	problems := []error{
		GrantGuards.Put(tx, KeyPathOfGrant(g), guard),
		Grants.Put(tx, GrantPath(g), g),
		GrantsOfGrantee.Put(tx, GrantOfGranteePath(g), struct{}{}),
	}
	if g.Retiring != "" {
		problems = append(problems, GrantsOfRetirer.Put(tx, GrantOfRetirerPath(g), struct{}{}))
	}
	if g.Name != "" {
		path, err := GrantRequestPath(g)
		problems = append(problems, err, GrantRequests.Put(tx, path, GrantRequest{g.ID}))
	}
	return errors.Join(problems...)
}

// RemoveGrant removes the records that InsertGrant wrote.
func RemoveGrant(tx *store.Tx, g key.Grant) error {
	guard, _, err := GrantGuards.Get(tx, KeyPathOfGrant(g))
	if err != nil {
		return err
	}
	if guard.Count--; guard.Count > 0 {
		err = GrantGuards.Put(tx, KeyPathOfGrant(g), guard)
	} else {
		err = GrantGuards.Delete(tx, KeyPathOfGrant(g))
	}
	return errors.Join(err, EraseGrant(tx, g))
}

// EraseGrant removes the records of a grant and does not change the guard.
func EraseGrant(tx *store.Tx, g key.Grant) error {
	problems := []error{
		Grants.Delete(tx, GrantPath(g)),
		GrantsOfGrantee.Delete(tx, GrantOfGranteePath(g)),
		unindexGrant(tx, g),
	}
	if g.Retiring != "" {
		problems = append(problems, GrantsOfRetirer.Delete(tx, GrantOfRetirerPath(g)))
	}
	if g.Name != "" {
		path, err := GrantRequestPath(g)
		problems = append(problems, err, GrantRequests.Delete(tx, path))
	}
	return errors.Join(problems...)
}

// RetirableGrantPath returns the path of the grant of an index entry under UnderRetirer.
func RetirableGrantPath(region, entry string) string {
	account, rest, _ := strings.Cut(entry, "/")
	return ScopePath(account, region) + rest
}
