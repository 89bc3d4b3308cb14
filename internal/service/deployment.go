package service

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrInitialised says that the deployment has its account and its first access
// key already.
var ErrInitialised = errors.New("the deployment is initialised already")

// Initialise gives a new deployment its account and returns the first access key
// of the account's root. The secret is shown here and never again.
func (s *Service) Initialise(ctx context.Context, account string) (id, secret string, err error) {
	id, secret = newAccessKey(keyPrefix)
	e := serverEvent("CreateAccessKey", account, s.clock.Now())
	e.RequestParameters = fmt.Appendf(nil, `{"accessKeyId":%q}`, id)
	err = s.journal.Update(ctx, func(tx *store.Tx) error {
		if _, exists, err := records.Deployments.Get(tx, records.DeploymentPath); err != nil || exists {
			return errors.Join(err, ErrInitialised)
		}
		return errors.Join(
			records.Deployments.Put(tx, records.DeploymentPath, records.Deployment{Account: account}),
			records.AccessKeys.Put(tx, id, identity.StoredKey{Account: account, Secret: secret}))
	}, e)
	return id, secret, err
}

// Account returns the account of the deployment, "" if it was not initialised.
func (s *Service) Account(ctx context.Context) (account string, err error) {
	err = s.store.View(ctx, func(v *store.View) error {
		d, _, err := records.Deployments.Get(v, records.DeploymentPath)
		account = d.Account
		return err
	})
	return account, err
}

// What IDs begin with. Source: "IAM identifiers", unique identifiers.
const (
	keyPrefix     = "AKIA" // access keys
	sessionPrefix = "ASIA" // those of temporary credentials
	userPrefix    = "AIDA"
	rolePrefix    = "AROA"
	policyPrefix  = "ANPA"
)

// newAccessKey returns a random access key in the form that those of AWS have: an
// ID and a secret of 40 characters, which are 240 random bits.
func newAccessKey(prefix string) (id, secret string) {
	var random [30]byte
	rand.Read(random[:]) // never fails: the program ends first (crypto/rand)
	return newUniqueID(prefix), base64.StdEncoding.EncodeToString(random[:])
}

// newUniqueID returns a random ID of 20 letters and digits, the prefix first.
func newUniqueID(prefix string) string {
	var random [10]byte
	rand.Read(random[:])
	return prefix + base32.StdEncoding.EncodeToString(random[:])
}
