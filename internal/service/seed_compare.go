package service

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/seed"
)

// seedRemedy is the end of each message about a contradiction.
const seedRemedy = "change the one or the other, or start with another --data folder"

// contradiction compares a declared key with the stored key in its present state. It returns
// the first difference, or nil. It compares only the members that the file has.
func contradiction(d seed.Key, k key.Key, now time.Time) error {
	in := d.Request
	switch {
	case k.State == key.Gone:
		return d.Errorf("id",
			"the stored key is being removed, because its deletion date has passed: start again in a few seconds")
	case k.State == key.PendingDeletion:
		return d.Errorf("id", "the stored key is pending deletion: %s", seedRemedy)
	case string(k.Origin) != *in.Origin:
		return d.Errorf("origin", "the stored key has %s, and the seed %s: %s", k.Origin, *in.Origin, seedRemedy)
	case in.KeySpec != nil && string(k.Spec) != *in.KeySpec:
		return d.Errorf("key_spec", "the stored key has %s, and the seed %s: %s", k.Spec, *in.KeySpec, seedRemedy)
	case in.KeyUsage != nil && string(k.Usage) != *in.KeyUsage:
		return d.Errorf("key_usage", "the stored key has %s, and the seed %s: %s", k.Usage, *in.KeyUsage, seedRemedy)
	case in.Description != nil && *in.Description != k.Description:
		return d.Errorf("description",
			"the stored key has %q, and the seed %q: %s", k.Description, *in.Description, seedRemedy)
	}
	for _, t := range keyTags(in.Tags) {
		if !slices.Contains(k.Tags, t) {
			return d.Errorf("tags", "the stored key does not have %q with the value %q: %s", t.Key, t.Value, seedRemedy)
		}
	}
	if in.KeyMaterial != nil {
		if err := materialContradiction(d, k, now); err != nil {
			return err
		}
	}
	enabled, disabled := k.State == key.Enabled, k.State == key.Disabled
	if in.Enabled != nil && (*in.Enabled && disabled || !*in.Enabled && enabled) {
		return d.Errorf("enabled", "the stored key is %s: %s", k.State, seedRemedy)
	}
	return nil
}

// materialContradiction compares the material and its expiry. It accepts material that has
// expired meanwhile.
func materialContradiction(d seed.Key, k key.Key, now time.Time) error {
	in := d.Request
	id, err := crypt.MaterialID(k.ID, in.KeyMaterial)
	if err != nil {
		return err
	}
	m, known := k.Material(id) // a rotation may have made other material current
	switch {
	case len(k.Materials) == 0:
		return d.Errorf("material", "the stored key has none yet: %s", seedRemedy)
	case !known:
		return d.Errorf("material", "the stored key has other material: %s", seedRemedy)
	case !m.Present() && (in.ValidityDays != nil || in.ValidTo != nil && !in.ValidTo.Time().After(now)):
		return nil
	case !m.Present():
		return d.Errorf("material", "the material of the stored key was deleted or has expired: %s", seedRemedy)
	}
	wanted := seedValidTo(&in, now)
	switch {
	case wanted.IsZero() && !m.ValidTo.IsZero():
		return d.Errorf("material",
			"the material of the stored key expires at %s, and the seed has no expiry: %s", timestamp(m.ValidTo), seedRemedy)
	case in.ValidTo != nil && !wanted.Equal(m.ValidTo):
		return d.Errorf("expires", "the stored key has %s, and the seed %s: %s", validTo(m), in.ValidTo, seedRemedy)
	case in.ValidityDays != nil && m.ValidTo.IsZero():
		return d.Errorf("expires_in_days", "the material of the stored key does not expire: %s", seedRemedy)
	}
	return nil
}

// validTo formats the expiry of a material for messages.
func validTo(m key.Material) string {
	if m.ValidTo.IsZero() {
		return "no expiry"
	}
	return timestamp(m.ValidTo).String()
}

// CheckDocuments checks the syntax of the policies of a file. An error names the line in the
// file and the position in the policy.
func CheckDocuments(f seed.File) error {
	for _, d := range f.Documents() {
		kind := policy.IdentityPolicy
		if d.Trust {
			kind = policy.TrustPolicy
		}
		_, err := policy.Parse(d.Text, kind)
		if wrong, ok := errors.AsType[*policy.SyntaxError](err); ok {
			return d.Errorf(wrong.Line, wrong.Column, "%s", wrong.Problem)
		}
	}
	return nil
}

// seedIdentities brings the identities of a dev server to their declared content. Identities
// that others refer to come first.
func (s *Service) seedIdentities(ctx context.Context, f seed.File) error {
	as := rootIn(s.devAccount, "us-east-1")
	for _, a := range f.Accounts {
		if err := s.doSeed(ctx, as, a, putAccount, "id", &a.Request); err != nil {
			return err
		}
	}
	for _, p := range f.Policies {
		if err := s.doSeed(ctx, as, p, putPolicy, "name", &p.Request); err != nil {
			return err
		}
	}
	for _, p := range f.Providers {
		if err := s.doSeed(ctx, as, p, putProvider, "url", &p.Request); err != nil {
			return err
		}
	}
	for _, r := range f.Roles {
		if err := s.doSeed(ctx, as, r, putRole, "name", &r.Request); err != nil {
			return err
		}
	}
	for _, u := range f.Users {
		if err := s.seedUser(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// seedUser makes only the access keys that the file declares, because nobody would see the
// secrets of generated access keys.
func (s *Service) seedUser(ctx context.Context, u seed.User) error {
	as := rootIn(s.devAccount, "us-east-1")
	if u.Request.AccessKeys != nil {
		return u.Errorf("access_keys",
			"the secrets of generated access keys would be shown to nobody: give the user a [[user.access_key]]")
	}
	if err := s.doSeed(ctx, as, u, putUser, "name", &u.Request); err != nil {
		return err
	}
	for _, k := range u.Keys {
		if err := s.doSeed(ctx, as, k, seedAccessKey, "access_key", &k.Request); err != nil {
			return err
		}
	}
	return nil
}
