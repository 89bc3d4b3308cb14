package service

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A RootReset describes new credentials of the root of the deployment's account.
type RootReset struct {
	Account, AccessKeyID, Secret string
	Revoked                      []string // IDs of the access keys that the root had
}

// errRootChanged means that the access keys of the root were changed since they were read.
var errRootChanged = errors.New("the access keys of the root are changed at the same time: try again")

// maxRootReads bounds the attempts to change the access keys of the root as they are.
const maxRootReads = 10

// ResetRoot gives the root of the deployment's account a new access key in place of all others, and ends the sessions
// of the root. The server never shows the secret again. The caller has the custody of the root key, which is above the
// root of the account.
func (s *Service) ResetRoot(ctx context.Context) (r RootReset, err error) {
	if r.Account, err = s.Account(ctx); err == nil && r.Account == "" {
		err = records.ErrNotInitialised
	}
	if err != nil {
		return r, err
	}
	r.AccessKeyID, r.Secret = newAccessKey(keyPrefix)
	for range maxRootReads {
		if err = s.resetRoot(ctx, &r); !errors.Is(err, errRootChanged) {
			break
		}
	}
	return r, err
}

// resetRoot makes one attempt.
func (s *Service) resetRoot(ctx context.Context, r *RootReset) error {
	since := time.Now()
	serial, err := s.rootKeys(ctx, r)
	if err != nil {
		return err
	}
	e := serverEvent("ResetRootCredentials", r.Account, s.clock.Now())
	if e.ServiceEventDetails, err = json.Marshal(struct {
		AccessKeyID string   `json:"accessKeyId"`
		Revoked     []string `json:"revokedAccessKeyIds"`
	}{r.AccessKeyID, r.Revoked}); err != nil {
		return err
	}
	rev, err := s.journal.UpdateAt(ctx, 0, func(tx *store.Tx) error { return r.replace(tx, serial, s.clock.Now()) }, e)
	if err != nil || s.confirmer == nil {
		return err
	}
	read := s.newReads()
	read.Note(rev)
	_, err = s.confirmer.Await(context.WithoutCancel(ctx), *read, since)
	return err
}

// rootKeys finds the access keys of the root, and returns the serial number of the account that they belong to.
func (s *Service) rootKeys(ctx context.Context, r *RootReset) (serial int64, err error) {
	err = s.store.View(ctx, func(v *store.View) error {
		a, _, err := records.Accounts.Get(v, r.Account)
		if err != nil {
			return err
		}
		serial, r.Revoked = a.Serial, nil
		for after := ""; ; {
			page, err := records.AccessKeys.Scan(v, "", after, 1000)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, k := range page {
				if k.Value.Account == r.Account && k.Value.User == "" {
					r.Revoked = append(r.Revoked, k.Path)
				}
			}
			after = page[len(page)-1].Path
		}
	})
	return serial, err
}

// replace replaces the access keys of the root in a transaction.
func (r *RootReset) replace(tx *store.Tx, serial int64, now time.Time) error {
	a, ok, err := records.Accounts.Get(tx, r.Account)
	switch {
	case err != nil:
		return err
	case a.Serial != serial:
		return errRootChanged
	case !ok:
		a = identity.Account{ID: r.Account, Created: now}
	}
	a.Serial++
	a.Generation++
	a.Keys = []string{r.AccessKeyID}
	for _, id := range r.Revoked {
		if err := removeKey(tx, id); err != nil {
			return err
		}
	}
	return errors.Join(
		records.AccessKeys.Put(tx, r.AccessKeyID, identity.StoredKey{Account: r.Account, Secret: r.Secret, Created: now}),
		records.Accounts.Put(tx, r.Account, a))
}
