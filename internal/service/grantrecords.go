package service

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// The kinds of record of grants. Each grant is a record of its own. Listings of a
// principal's grants read an index, and decisions another one (grantMatches), so that
// no request costs more because a key has many grants.
var (
	grants          = store.Table[key.Grant]{Prefix: "grant", Codec: store.JSON[key.Grant]()}
	grantGuards     = store.Table[grantGuard]{Prefix: "grant-guard", Codec: store.JSON[grantGuard]()}
	grantsOfGrantee = store.Table[struct{}]{Prefix: "grant-of-grantee", Codec: store.JSON[struct{}]()}
	grantsOfRetirer = store.Table[struct{}]{Prefix: "grant-of-retirer", Codec: store.JSON[struct{}]()}
	// grantRequests tell which grant a request with a name has made.
	grantRequests = store.Table[grantRequest]{Prefix: "grant-request", Codec: store.JSON[grantRequest]()}
)

// A grantGuard is read and written by whatever adds or removes a grant on a key,
// so that the quota holds without counting.
type grantGuard struct {
	Count int `json:"count"`
}

// A grantRequest is found by what was asked for.
type grantRequest struct {
	GrantID string `json:"grantId"`
}

// keyOf is the path of the key that a grant is on, under which its grants lie.
func keyOf(g key.Grant) string { return keyPath(g.Account, g.Region, g.KeyID) }

func grantPath(g key.Grant) string { return keyOf(g) + "/" + g.ID }

// ofGrantee begins the entries of a principal's grants on a key, by grant ID.
func ofGrantee(keyPath string, p key.Principal) string { return keyPath + "/" + flat(p) + "/" }

// ofRetirer begins the entries of the grants in a Region that a principal may
// retire, each of which ends with the path of the grant without the Region.
func ofRetirer(region string, p key.Principal) string { return region + "/" + flat(p) + "/" }

// flat is the principal without the "/" that parts a path; no principal has "|".
func flat(p key.Principal) string { return strings.ReplaceAll(string(p), "/", "|") }

func granteePath(g key.Grant) string { return ofGrantee(keyOf(g), g.Grantee) + g.ID }

func retirerPath(g key.Grant) string {
	return ofRetirer(g.Region, g.Retiring) + g.Account + "/" + g.KeyID + "/" + g.ID
}

// requestPath is where a request for a grant with a name is found again: under
// its key, by a digest of all that was asked for.
func requestPath(g key.Grant) (string, error) {
	asked, err := grants.Codec.Encode(g.Request())
	digest := sha256.Sum256(asked)
	return keyOf(g) + "/" + hex.EncodeToString(digest[:]), err
}

// insertGrant writes a grant that is not there, its places in the indexes, and
// the guard of the key's grants.
func insertGrant(tx *store.Tx, g key.Grant) error {
	guard, _, err := grantGuards.Get(tx, keyOf(g))
	if err != nil {
		return err
	}
	if guard.Count++; guard.Count > key.MaxGrants {
		return key.Errorf(key.KindLimitExceeded, "A key can have at most %d grants.", key.MaxGrants)
	}
	shapes, err := indexGrant(tx, g)
	if err != nil {
		return err
	}
	if err := shapes.check(shapeOf(g)); err != nil {
		return err
	}
	problems := []error{
		grantGuards.Put(tx, keyOf(g), guard),
		grants.Put(tx, grantPath(g), g),
		grantsOfGrantee.Put(tx, granteePath(g), struct{}{}),
	}
	if g.Retiring != "" {
		problems = append(problems, grantsOfRetirer.Put(tx, retirerPath(g), struct{}{}))
	}
	if g.Name != "" {
		path, err := requestPath(g)
		problems = append(problems, err, grantRequests.Put(tx, path, grantRequest{g.ID}))
	}
	return errors.Join(problems...)
}

// removeGrant takes back what insertGrant wrote.
func removeGrant(tx *store.Tx, g key.Grant) error {
	guard, _, err := grantGuards.Get(tx, keyOf(g))
	if err != nil {
		return err
	}
	if guard.Count--; guard.Count > 0 {
		err = grantGuards.Put(tx, keyOf(g), guard)
	} else {
		err = grantGuards.Delete(tx, keyOf(g))
	}
	return errors.Join(err, eraseGrant(tx, g))
}

// eraseGrant removes the records of a grant, and leaves the guard as it is.
func eraseGrant(tx *store.Tx, g key.Grant) error {
	problems := []error{grants.Delete(tx, grantPath(g)), grantsOfGrantee.Delete(tx, granteePath(g)), unindexGrant(tx, g)}
	if g.Retiring != "" {
		problems = append(problems, grantsOfRetirer.Delete(tx, retirerPath(g)))
	}
	if g.Name != "" {
		path, err := requestPath(g)
		problems = append(problems, err, grantRequests.Delete(tx, path))
	}
	return errors.Join(problems...)
}

// retirablePath is the path of the grant that an entry under ofRetirer stands for.
func retirablePath(region, entry string) string {
	account, rest, _ := strings.Cut(entry, "/")
	return scope(account, region) + rest
}
