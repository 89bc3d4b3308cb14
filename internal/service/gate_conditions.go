package service

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// conditions gives the values of condition keys for one question of a call. It looks up only
// the values that a policy asks for. It looks up expensive values once for each question,
// however many conditions ask for them.
type conditions struct {
	c   *call
	t   target
	key key.Key // of the question; zero if the question has no key, or the key does not exist
	err error   // of a look-up: the decision is then invalid

	contextNames, tagNames, sameKey, aliasNames lazyValues
	context, requestTags, resourceTags          byName
}

// Values implements policy.Values. The names are the names of policy.KnownKeys, in lower case.
func (v *conditions) Values(name string) []string {
	if given, ok := fromMember[name]; ok {
		return v.member(given.member, given.otherwise)
	}
	if of, ok := fromRequest[name]; ok {
		return of(v)
	}
	if of := fromCaller[name]; of != nil {
		return of(v.c)
	}
	return v.valuesByName(name)
}

// A memberOrDefault is the source of a value: a member of the request, or a default where the request
// lacks the member.
type memberOrDefault struct{ member, otherwise string }

// fromMember lists the condition keys whose value is a member of the request. Source:
// "Condition keys for AWS KMS" in the developer guide.
var fromMember = map[string]memberOrDefault{
	"kms:bypasspolicylockoutsafetycheck":         {"BypassPolicyLockoutSafetyCheck", "false"},
	"kms:datakeypairspec":                        {"KeyPairSpec", ""},
	"kms:expirationmodel":                        {"ExpirationModel", "KEY_MATERIAL_EXPIRES"},
	"kms:validto":                                {"ValidTo", ""},
	"kms:wrappingalgorithm":                      {"WrappingAlgorithm", ""},
	"kms:wrappingkeyspec":                        {"WrappingKeySpec", ""},
	"kms:signingalgorithm":                       {"SigningAlgorithm", ""},
	"kms:messagetype":                            {"MessageType", "RAW"},
	"kms:macalgorithm":                           {"MacAlgorithm", ""},
	"kms:keyagreementalgorithm":                  {"KeyAgreementAlgorithm", ""},
	"kms:primaryregion":                          {"PrimaryRegion", ""},
	"kms:replicaregion":                          {"ReplicaRegion", ""},
	"kms:rotationperiodindays":                   {"RotationPeriodInDays", "365"},
	"kms:schedulekeydeletionpendingwindowindays": {"PendingWindowInDays", "30"},
}

// member returns the value of a member, spelled as in policies. It returns no value if the
// operation has no such member.
func (v *conditions) member(name, otherwise string) []string {
	f := v.c.Operation.shape.Field(v.c.Input, name)
	switch {
	case !f.IsValid():
		return nil
	case f.IsNil() && otherwise == "":
		return nil
	case f.IsNil():
		return []string{otherwise}
	}
	return []string{formatValue(f.Elem())}
}

// formatValue formats a value as policies write values of its type.
func formatValue(f reflect.Value) string {
	if t, ok := reflect.TypeAssert[api.Timestamp](f); ok {
		return t.Time().UTC().Format(time.RFC3339)
	}
	switch f.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(f.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(f.Int(), 10)
	}
	return f.String()
}

// fromRequest lists the condition keys whose value follows from the request in another way.
var fromRequest = map[string]func(v *conditions) []string{
	"aws:resourceaccount":          func(v *conditions) []string { return one(v.owner()) },
	"aws:principalisawsservice":    func(*conditions) []string { return one("false") },
	"aws:viaawsservice":            func(*conditions) []string { return one("false") },
	"aws:tagkeys":                  func(v *conditions) []string { return v.tagNames.once(v.tagKeys) },
	"kms:encryptioncontextkeys":    func(v *conditions) []string { return v.contextNames.once(v.contextKeys) },
	"kms:granteeprincipal":         ofNewGrant("GranteePrincipal"),
	"kms:granteeserviceprincipal":  ofNewGrant("GranteeServicePrincipal"),
	"kms:retiringprincipal":        ofNewGrant("RetiringPrincipal"),
	"kms:retiringserviceprincipal": ofNewGrant("RetiringServicePrincipal"),
	"kms:grantconstrainttype":      (*conditions).constraintTypes,
	"kms:grantconstraintsourcearn": (*conditions).constraintSource,
	"kms:grantisforawsresource":    (*conditions).grantIsForAWSResource,
	"kms:grantoperations":          (*conditions).grantOperations,
	"kms:reencryptonsamekey":       func(v *conditions) []string { return v.sameKey.once(v.onSameKey) },
	"kms:requestalias":             (*conditions).requestAlias,
	"kms:encryptionalgorithm":      (*conditions).encryptionAlgorithm,
	"kms:keyspec":                  (*conditions).keySpec,
	"kms:customermasterkeyspec":    (*conditions).keySpec,
	"kms:keyusage":                 (*conditions).keyUsage,
	"kms:customermasterkeyusage":   (*conditions).keyUsage,
	"kms:keyorigin":                (*conditions).keyOrigin,
	"kms:multiregion":              (*conditions).multiRegion,
	"kms:multiregionkeytype":       (*conditions).multiRegionType,
	"kms:resourcealiases":          func(v *conditions) []string { return v.aliasNames.once(v.aliases) },
}

// one returns a list of one value, or none if the value is empty.
func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// ofNewGrant returns the value of a member of CreateGrant. Other operations have members of the
// same names, which these condition keys are not about.
func ofNewGrant(member string) func(*conditions) []string {
	return func(v *conditions) []string {
		if v.grant() == nil {
			return nil
		}
		return v.member(member, "")
	}
}

// requestAlias returns the alias that the request uses to name a key. An alias that the request
// changes does not count. Source: "Condition keys for AWS KMS", kms:RequestAlias.
func (v *conditions) requestAlias() []string {
	if v.c.Operation.shape.Field(v.c.Input, "AliasName").IsValid() {
		return nil
	}
	return one(v.t.ref.Alias)
}

// fromName lists the condition keys that end with a name that the user chooses.
var fromName = map[string]func(v *conditions, name string) []string{
	"kms:encryptioncontext:": (*conditions).contextValues,
	"aws:principaltag/":      func(v *conditions, name string) []string { return v.c.principalTag(name) },
	"aws:requesttag/":        (*conditions).requestTag,
	"aws:resourcetag/":       (*conditions).resourceTag,
}

// valuesByName returns the values of a condition key that ends with a name.
func (v *conditions) valuesByName(name string) []string {
	end := strings.IndexAny(name, ":/") + 1
	end += strings.IndexAny(name[end:], ":/") + 1
	if of := fromName[name[:end]]; of != nil {
		return of(v, name[end:])
	}
	return nil
}

// owner returns the account of the resource.
func (v *conditions) owner() string {
	if v.t.isKey() {
		return v.t.ref.Account
	}
	return v.c.Caller.Principal.AccountID
}

// tags returns the tags of the request: with their values, or only the names.
func (v *conditions) tags() (tags []api.Tag, keys []string) {
	if f := v.c.Operation.shape.Field(v.c.Input, "Tags"); f.IsValid() {
		tags, _ = f.Interface().([]api.Tag)
	}
	if f := v.c.Operation.shape.Field(v.c.Input, "TagKeys"); f.IsValid() {
		keys, _ = f.Interface().([]string)
	}
	return tags, keys
}

func (v *conditions) tagKeys() []string {
	tags, keys := v.tags()
	keys = slices.Clone(keys)
	for _, t := range tags {
		keys = append(keys, *t.TagKey)
	}
	return keys
}

func (v *conditions) requestTag(name string) []string {
	if v.requestTags == nil {
		v.requestTags = byName{}
		tags, _ := v.tags()
		for _, t := range tags {
			v.requestTags.add(*t.TagKey, *t.TagValue)
		}
	}
	return v.requestTags[name]
}

func (v *conditions) resourceTag(name string) []string {
	if v.resourceTags == nil {
		v.resourceTags = byName{}
		for _, t := range v.key.Tags {
			v.resourceTags.add(t.Key, t.Value) // the value may be empty
		}
	}
	return v.resourceTags[name]
}

func (v *conditions) contextKeys() []string {
	names := slices.Collect(maps.Keys(v.t.context(v.c)))
	if v.c.trace != nil {
		slices.Sort(names) // only for readers: no decision depends on the order
	}
	return names
}

func (v *conditions) contextValues(name string) []string {
	if v.context == nil {
		v.context = byName{}
		pairs := v.t.context(v.c)
		for _, name := range v.contextNames.once(v.contextKeys) {
			v.context.add(name, pairs[name])
		}
	}
	return v.context[name]
}

// grant returns the members of the request that describe a new grant.
func (v *conditions) grant() *api.CreateGrantRequest {
	in, _ := v.c.Input.(*api.CreateGrantRequest)
	return in
}

func (v *conditions) grantOperations() []string {
	if in := v.grant(); in != nil {
		return in.Operations
	}
	return nil
}

func (v *conditions) constraintTypes() []string {
	in := v.grant()
	switch {
	case in == nil || in.Constraints == nil:
		return nil
	case len(in.Constraints.EncryptionContextEquals) > 0:
		return one("EncryptionContextEquals")
	case len(in.Constraints.EncryptionContextSubset) > 0:
		return one("EncryptionContextSubset")
	}
	return nil
}

func (v *conditions) constraintSource() []string {
	if in := v.grant(); in != nil && in.Constraints != nil {
		return one(or(in.Constraints.SourceArn, ""))
	}
	return nil
}

// grantIsForAWSResource is always false, because no AWS service sends requests here.
func (v *conditions) grantIsForAWSResource() []string {
	switch v.c.Operation.Name {
	case "CreateGrant", "ListGrants", "RevokeGrant":
		return one("false")
	}
	return nil
}

// onSameKey reports whether both keys of a ReEncrypt are the same key. The value is known after
// both keys were looked up.
func (v *conditions) onSameKey() []string {
	in, ok := v.c.Input.(*api.ReEncryptRequest)
	if !ok || in.DestinationKeyId == nil || v.t.destination && len(v.c.keys) == 0 {
		return nil // only when a decision is explained: a request has both keys
	}
	to, err := key.ParseReference(*in.DestinationKeyId, v.c.Caller.Principal.AccountID, v.c.Caller.Region)
	if err != nil {
		return one("false")
	}
	from := v.key
	if len(v.c.keys) > 0 {
		from = v.c.keys[0]
	}
	destination, live := v.c.latest(to)
	return one(strconv.FormatBool(live && destination.ID == from.ID && destination.Account == from.Account))
}

// encryptionAlgorithm returns the algorithm that the question is about. ReEncrypt has two.
func (v *conditions) encryptionAlgorithm() []string {
	for _, m := range []string{"EncryptionAlgorithm", "SourceEncryptionAlgorithm"} {
		if v.t.destination {
			m = "DestinationEncryptionAlgorithm"
		}
		if v.c.Operation.shape.Field(v.c.Input, m).IsValid() {
			return v.member(m, "SYMMETRIC_DEFAULT")
		}
	}
	switch v.c.Operation.Name {
	case "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
		"GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext":
		return one("SYMMETRIC_DEFAULT")
	}
	return nil
}

// suite returns the suite of the key, or of the key that the request creates.
func (v *conditions) suite() (s key.Suite, origin key.Origin) {
	if v.key.ID != "" {
		return key.Suite{Spec: v.key.Spec, Usage: v.key.Usage}, v.key.Origin
	}
	in, making := v.c.Input.(*api.CreateKeyRequest)
	if !making {
		return s, ""
	}
	s, _ = suiteFor(in) // no error: the check of the members has accepted it
	return s, key.Origin(or(in.Origin, string(key.OriginAWSKMS)))
}

func (v *conditions) keySpec() []string {
	s, _ := v.suite()
	return one(string(s.Spec))
}

func (v *conditions) keyUsage() []string {
	s, _ := v.suite()
	return one(string(s.Usage))
}

func (v *conditions) keyOrigin() []string {
	_, origin := v.suite()
	return one(string(origin))
}

func (v *conditions) multiRegion() []string {
	if v.key.ID != "" {
		return one(strconv.FormatBool(v.key.IsMultiRegion()))
	}
	if in, making := v.c.Input.(*api.CreateKeyRequest); making {
		return one(strconv.FormatBool(or(in.MultiRegion, false)))
	}
	return nil
}

func (v *conditions) multiRegionType() []string {
	in, making := v.c.Input.(*api.CreateKeyRequest)
	switch {
	case v.key.IsPrimary(), making && or(in.MultiRegion, false):
		return one("PRIMARY")
	case v.key.IsReplica():
		return one("REPLICA")
	}
	return nil
}

// aliases returns the names of the aliases of the key, from the index by key.
func (v *conditions) aliases() (names []string) {
	if v.key.ID == "" {
		return nil
	}
	err := readCovered(v.c.source(), records.AliasGuards, records.PathOf(v.key), func(view *store.View) error {
		found, err := records.AliasesOfKey.ScanKept(view, records.PathOf(v.key)+"/", "", key.MaxAliases)
		for _, a := range found {
			names = append(names, key.AliasPrefix+strings.TrimPrefix(a.Path, records.PathOf(v.key)+"/"))
		}
		return err
	})
	if err != nil {
		v.err = err
	}
	return names
}
