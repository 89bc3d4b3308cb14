package service

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrInitialised means that the deployment already has its account and its first access key.
var ErrInitialised = errors.New("the deployment is initialised already")

// Initialise gives a new deployment its account and returns the first access key of the
// account's root. The server never shows the secret again.
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

// Account returns the account of the deployment, or "" if the deployment was not initialised.
func (s *Service) Account(ctx context.Context) (account string, err error) {
	err = s.store.View(ctx, func(v *store.View) error {
		d, _, err := records.Deployments.Get(v, records.DeploymentPath)
		account = d.Account
		return err
	})
	return account, err
}

// The prefixes of IDs. Source: "IAM identifiers", unique identifiers.
const (
	keyPrefix     = "AKIA" // access keys
	sessionPrefix = "ASIA" // access keys of temporary credentials
	userPrefix    = "AIDA"
	rolePrefix    = "AROA"
	policyPrefix  = "ANPA"
)

// newAccessKey returns a random access key in the form of AWS access keys: an ID, and a secret
// of 240 random bits in 40 characters.
func newAccessKey(prefix string) (id, secret string) {
	var random [30]byte
	rand.Read(random[:]) // never fails: the program ends first (crypto/rand)
	return newUniqueID(prefix), base64.StdEncoding.EncodeToString(random[:])
}

// newUniqueID returns a random ID of 20 letters and digits that begins with the prefix.
func newUniqueID(prefix string) string {
	var random [10]byte
	rand.Read(random[:])
	return prefix + base32.StdEncoding.EncodeToString(random[:])
}

// DefaultRegion is the served Region of a deployment that has stored no Regions.
const DefaultRegion = "us-east-1"

// ServeRegions sets and stores the Regions that are served. Without any given Regions, the
// stored Regions are served. ServeRegions returns the Regions that are served. It can be called
// again while requests are carried out; an error changes nothing.
func (s *Service) ServeRegions(ctx context.Context, given []string) (served []string, err error) {
	remembered, err := s.rememberedRegions(ctx)
	if err != nil {
		return nil, err
	}
	served = given
	if len(given) == 0 {
		served = remembered
	} else if !slices.Equal(given, remembered) {
		err = s.store.Update(ctx, func(tx *store.Tx) error {
			_, _, err := records.ServedRegions.Get(tx, records.ServedPath)
			return errors.Join(err, records.ServedRegions.Put(tx, records.ServedPath, records.Served{Regions: given}))
		})
		if errors.Is(err, space.ErrFull) {
			s.log.Warn("the served Regions were not stored, because the disk is full: give them again at the next start",
				"regions", given)
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	s.regions.Store(&served)
	return served, nil
}

// rememberedRegions returns the Regions of the last start, or the default.
func (s *Service) rememberedRegions(ctx context.Context) (remembered []string, err error) {
	err = s.store.View(ctx, func(v *store.View) error {
		r, ok, err := records.ServedRegions.Get(v, records.ServedPath)
		remembered = r.Regions
		if !ok {
			remembered = []string{DefaultRegion}
		}
		return err
	})
	return remembered, err
}

// Regions returns the Regions that are served, or nil if every valid Region is.
func (s *Service) Regions() []string {
	if served := s.regions.Load(); served != nil {
		return *served
	}
	return nil
}

// Serves reports whether the Region is served.
func (s *Service) Serves(region string) bool {
	served := s.regions.Load()
	if served == nil {
		return key.ValidRegion(region)
	}
	return slices.Contains(*served, region)
}

// maxScopes is the maximum number of pairs of an account and a Region at which UnservedRegions
// looks.
const maxScopes = 10_000

// UnservedRegions returns the Regions that have keys and are not served. It reads one key of
// each account in each Region.
func (s *Service) UnservedRegions(ctx context.Context) ([]string, error) {
	return s.unservedRegions(ctx, maxScopes)
}

// unservedRegions is UnservedRegions with a limit for tests.
func (s *Service) unservedRegions(ctx context.Context, scopes int) (unserved []string, err error) {
	err = s.store.View(ctx, func(v *store.View) error {
		after := ""
		for range scopes {
			first, err := records.Keys.Scan(v, "", after, 1)
			if err != nil || len(first) == 0 {
				return err
			}
			k := first[0].Value
			if !s.Serves(k.Region) && !slices.Contains(unserved, k.Region) {
				unserved = append(unserved, k.Region)
			}
			after = records.ScopePath(k.Account, k.Region) + "\xff" // after all keys of this account and Region
		}
		return nil
	})
	slices.Sort(unserved)
	return unserved, err
}
