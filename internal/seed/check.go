package seed

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// The maximum lengths in the API, in characters.
const (
	maxDescription = 8192
	maxAlias       = 256
	maxTagKey      = 128
	maxTagValue    = 256
)

// key returns the key that the entry declares. region is the Region of the file, if any.
func (e entry) key(region *string, d Defaults) (Key, error) {
	k := Key{
		Account: valueOr(e.Account, d.Account),
		Region:  valueOr(e.Region, valueOr(region, d.Region)),
		Aliases: e.Aliases,
		Request: api.SeedKeyRequest{
			KeyId:        e.ID,
			Description:  e.Description,
			Enabled:      e.Enabled,
			Origin:       new(valueOr(e.Origin, string(key.OriginAWSKMS))),
			ValidityDays: e.ExpiresInDays,
		},
		place: e.place,
	}
	for _, check := range []func(*Key) error{e.checkNames, e.addSpec, e.addTags, e.addMaterial, e.addExpiry} {
		if err := check(&k); err != nil {
			return Key{}, err
		}
	}
	return k, nil
}

// checkNames checks the identifiers, the place and the description of the key.
func (e entry) checkNames(k *Key) error {
	if e.ID == nil {
		return k.Errorf("id", `it is missing: give the key one, such as id = "1234abcd-12ab-34cd-56ef-1234567890ab"`)
	}
	if err, ok := key.CheckChosenID(*e.ID).(*key.Error); ok {
		return k.Errorf("id", "%s", err.Message)
	}
	switch origin := key.Origin(*k.Request.Origin); {
	case !key.ValidAccount(k.Account):
		return k.Errorf("account", "%q is not an account ID: give 12 digits", k.Account)
	case !key.ValidRegion(k.Region):
		return k.Errorf("region", "%q is not a Region: write it as us-east-1", k.Region)
	case origin != key.OriginAWSKMS && origin != key.OriginExternal:
		return k.Errorf("origin", "%q is not supported: give AWS_KMS or EXTERNAL", origin)
	case utf8.RuneCountInString(valueOr(e.Description, "")) > maxDescription:
		return k.Errorf("description", "it is longer than %d characters: shorten it", maxDescription)
	case len(e.Aliases) > key.MaxAliases:
		return k.Errorf("aliases", "there are %d, and a key can have %d: remove some", len(e.Aliases), key.MaxAliases)
	}
	for _, name := range e.Aliases {
		if err, ok := key.CheckAliasName(name).(*key.Error); ok {
			return k.Errorf("aliases", "%q: %s", name, err.Message)
		}
		if len(name) > maxAlias {
			return k.Errorf("aliases", "%q is longer than %d characters: shorten it", name, maxAlias)
		}
	}
	return nil
}

// addSpec chooses the usage if the spec has only one.
func (e entry) addSpec(k *Key) error {
	spec := valueOr(e.KeySpec, string(key.SymmetricDefault))
	var usages []string
	for _, suite := range key.Suites(key.Spec(spec)) {
		usages = append(usages, string(suite.Usage))
	}
	if len(usages) == 0 {
		return k.Errorf("key_spec", "%q is not a supported key spec: docs/api.md lists them", spec)
	}
	usage := valueOr(e.KeyUsage, usages[0])
	switch {
	case e.KeyUsage == nil && len(usages) > 1:
		return k.Errorf("key_usage", "it is missing: a key of the spec %s is for %s", spec, strings.Join(usages, " or for "))
	case !slices.Contains(usages, usage):
		return k.Errorf("key_usage", "%q is not a usage of the spec %s: give %s", usage, spec, strings.Join(usages, " or "))
	}
	if _, err := key.ChooseSuite(key.Spec(spec), key.Usage(usage), key.Origin(*k.Request.Origin)); err != nil {
		return k.Errorf("origin", "keys of the spec %s cannot have the origin %s: remove origin", spec, *k.Request.Origin)
	}
	k.Request.KeySpec, k.Request.KeyUsage = &spec, &usage
	return nil
}

func (e entry) addTags(k *Key) error {
	var tags []key.Tag
	for _, name := range slices.Sorted(maps.Keys(e.Tags)) {
		value := e.Tags[name]
		if n := utf8.RuneCountInString(name); n < 1 || n > maxTagKey {
			return k.Errorf("tags", "the tag key %q must have 1 to %d characters", name, maxTagKey)
		}
		if utf8.RuneCountInString(value) > maxTagValue {
			return k.Errorf("tags", "the value of %q is longer than %d characters: shorten it", name, maxTagValue)
		}
		tags = append(tags, key.Tag{Key: name, Value: value})
		k.Request.Tags = append(k.Request.Tags, api.Tag{TagKey: &name, TagValue: &value})
	}
	if err, ok := key.CheckTags(tags).(*key.Error); ok {
		return k.Errorf("tags", "%s", err.Message)
	}
	return nil
}

func (e entry) addMaterial(k *Key) error {
	external := key.Origin(*k.Request.Origin) == key.OriginExternal
	if e.Material == nil {
		if external && e.Enabled != nil {
			return k.Errorf("enabled", "a key of origin EXTERNAL without material is pending import, neither enabled nor "+
				"disabled: give it material, or remove enabled")
		}
		return nil
	}
	material, problem := parseMaterial(*k.Request.KeySpec, *e.Material)
	if problem != "" {
		return k.Errorf("material", "%s", problem)
	}
	k.Request.KeyMaterial = material
	return nil
}

// addExpiry checks the form of the expiry. Package service checks the time, because that needs a clock.
func (e entry) addExpiry(k *Key) error {
	member := "expires"
	if e.Expires == nil {
		member = "expires_in_days"
	}
	at, isTime := e.Expires.(time.Time)
	switch {
	case e.Expires == nil && e.ExpiresInDays == nil:
		return nil
	case e.Expires != nil && e.ExpiresInDays != nil:
		return k.Errorf(member, "expires_in_days is present too: keep one of the two")
	case e.Material == nil:
		return k.Errorf(member, "only material can expire, and this file gives none for the key: add material, or remove %s",
			member)
	case *k.Request.Origin != string(key.OriginExternal):
		return k.Errorf(member, `only imported material expires: give origin = "EXTERNAL", or remove %s`, member)
	case e.Expires != nil && !isTime:
		return k.Errorf(member, "it is not a date and time with an offset: write it without quotes as 2030-01-31T12:00:00Z")
	case e.Expires != nil:
		k.Request.ValidTo = api.NewTimestamp(at)
	case *e.ExpiresInDays < 1 || *e.ExpiresInDays > maxDays:
		return k.Errorf(member, "%d is not a number of days from 1 to %d", *e.ExpiresInDays, maxDays)
	}
	return nil
}

const maxDays = int32(key.MaxValidity / (24 * time.Hour))

// checkUnique returns an error for two entries with the same identity.
func (f File) checkUnique() error {
	ids, aliases := map[string]Key{}, map[string]Key{}
	if err := f.checkIdentities(); err != nil {
		return err
	}
	for _, k := range f.Keys {
		scope := k.Account + "/" + k.Region + "/"
		if other, taken := ids[scope+*k.Request.KeyId]; taken {
			return k.Errorf("id", "the key in line %d has the same ID: give each key its own", other.line)
		}
		ids[scope+*k.Request.KeyId] = k
		for _, name := range k.Aliases {
			if other, taken := aliases[scope+name]; taken {
				return k.Errorf("aliases", "%q is already an alias of the key in line %d: remove it from one of the two", name,
					other.line)
			}
			aliases[scope+name] = k
		}
	}
	return nil
}

// valueOr returns *p, or def if p is nil.
func valueOr[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
