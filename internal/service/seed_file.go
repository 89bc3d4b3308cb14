package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seed"
	"github.com/keyhold/keyhold/internal/store"
)

// Seed brings the identities to their declared content and makes the missing keys and aliases of
// the file, each through the gate and with its event. It returns the number of keys that it made.
// A key that exists is left unchanged. If a key contradicts the file, Seed makes nothing. An error
// names the line.
func (s *Service) Seed(ctx context.Context, f seed.File) (made int, err error) {
	if err := CheckDocuments(f); err != nil {
		return 0, err
	}
	plans := make([]seedPlan, len(f.Keys))
	for i, k := range f.Keys {
		if plans[i], err = s.planSeed(ctx, k); err != nil {
			return 0, err
		}
	}
	if err := s.seedIdentities(ctx, f); err != nil {
		return 0, err
	}
	for _, p := range plans {
		one, err := s.carryOutShared(ctx, p)
		if one {
			made++
		}
		if err != nil {
			return made, err
		}
	}
	return made, nil
}

// carryOutShared carries out a plan. If another node that shares the store makes the same parts at the same moment, it
// plans the parts that are still missing.
func (s *Service) carryOutShared(ctx context.Context, p seedPlan) (made bool, err error) {
	for {
		one, failed := s.carryOutSeed(ctx, p)
		made = made || one
		if failed == nil || !s.store.Shared() {
			return made, failed
		}
		again, err := s.planSeed(ctx, p.Key)
		if err != nil {
			return made, err
		}
		if again.make == p.make && len(again.aliases) == len(p.aliases) {
			return made, failed // nobody made a part meanwhile
		}
		p = again
	}
}

// A seedPlan lists the missing parts of a declared key.
type seedPlan struct {
	seed.Key
	make    bool     // the key itself
	aliases []string // the aliases that do not exist yet
}

func (s *Service) planSeed(ctx context.Context, k seed.Key) (seedPlan, error) {
	p := seedPlan{Key: k}
	c := &call{Service: s, now: s.clock.Now()}
	err := s.store.View(ctx, func(v *store.View) error {
		stored, exists, err := records.WholeKeys.Get(v, records.KeyPath(k.Account, k.Region, *k.Request.KeyId))
		if err != nil {
			return err
		}
		if p.make = !exists; exists {
			err = contradiction(k, stored.At(c.now), c.now)
		} else {
			err = checkSeedExpiry(k, c.now)
		}
		if err != nil {
			return err
		}
		p.aliases, err = c.missingAliases(v, k)
		return err
	})
	return p, err
}

func checkSeedExpiry(k seed.Key, now time.Time) error {
	if k.Request.ValidTo == nil {
		return nil
	}
	switch at := k.Request.ValidTo.Time(); {
	case !at.After(now):
		return k.Errorf("expires", "%s has passed: the server's clock shows %s; give a later time, or remove the key",
			k.Request.ValidTo, api.NewTimestamp(now))
	case at.After(now.Add(key.MaxValidity)):
		return k.Errorf("expires", "%s is more than 365 days ahead of the server's clock, which shows %s: "+
			"give an earlier time, or expires_in_days in its place", k.Request.ValidTo, api.NewTimestamp(now))
	}
	return nil
}

// missingAliases returns the aliases of a declared key that do not exist. It returns an error
// if an alias belongs to another key.
func (c *call) missingAliases(v *store.View, k seed.Key) (missing []string, err error) {
	for _, name := range k.Aliases {
		a, exists, err := records.Aliases.Get(v, records.AliasPath(k.Account, k.Region, name))
		if err != nil {
			return nil, err
		}
		if exists && a.KeyID != *k.Request.KeyId {
			_, exists, err = c.liveKey(v, records.KeyPath(a.Account, a.Region, a.KeyID))
			if err != nil {
				return nil, err
			}
			if exists {
				return nil, k.Errorf("aliases", "%q is an alias of the stored key %s: %s", name, a.KeyID, seedRemedy)
			}
		}
		if !exists {
			missing = append(missing, name)
		}
	}
	return missing, nil
}

// carryOutSeed makes the parts of a plan, and reports whether it made the key itself.
func (s *Service) carryOutSeed(ctx context.Context, p seedPlan) (made bool, err error) {
	if p.make {
		if err := s.doSeed(ctx, rootIn(p.Account, p.Region), p.Key, seedKey, "id", &p.Request); err != nil {
			return false, err
		}
	}
	for _, name := range p.aliases {
		in := &api.CreateAliasRequest{AliasName: &name, TargetKeyId: p.Request.KeyId}
		if err := s.doSeed(ctx, rootIn(p.Account, p.Region), p.Key, createAlias, "aliases", in); err != nil {
			return p.make, err
		}
	}
	return p.make, nil
}

// A seedEntry value makes errors that name the line of a member in the file.
type seedEntry interface {
	Errorf(member, format string, args ...any) error
}

func rootIn(account, region string) identity.Caller {
	return identity.Caller{Principal: identity.Root(account), Region: region}
}

// doSeed carries out an operation. An error names the line of the member in the file.
func (s *Service) doSeed(
	ctx context.Context, as identity.Caller, d seedEntry, o Operation, member string, in any,
) error {
	_, err := s.Do(ctx, Request{
		ID:        uuid.NewString(),
		Caller:    as,
		SourceIP:  "keyhold",
		UserAgent: "keyhold dev --seed",
		Operation: o,
		Input:     in,
	})
	if refused, ok := errors.AsType[*key.Error](err); ok {
		return d.Errorf(member, "%w", refused)
	}
	return err
}
