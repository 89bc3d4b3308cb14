package service

import (
	"slices"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// The bounds of one ListKeySummaries request: how many keys or entries of an index it examines, and how many aliases,
// tags and materials end a page.
const (
	summariesExamined = 500
	summaryParts      = 1000
)

// ListKeySummaries replaces ListKeys with a DescribeKey for each key. It is not part of the KMS API. It shows only keys
// that the caller may describe, and of these keys only what the caller may list.
var listKeySummaries = query("ListKeySummaries", asks{{Action: "keyhold:ListKeySummaries"}}, checkListKeySummaries,
	func(c *call, in *api.ListKeySummariesRequest) (*api.ListKeySummariesResponse, error) {
		order := or(in.OrderBy, api.OrderByKeyID)
		p, err := c.sealedPageOf(c.Operation.Name+" "+order, in.Marker, in.Limit, 100, 200)
		if err != nil {
			return nil, err
		}
		candidates, err := c.candidates(p, in, order)
		if err != nil {
			return nil, err
		}
		out := &api.ListKeySummariesResponse{Keys: []api.KeySummary{}}
		if err := c.summarise(out, candidates, p, in); err != nil {
			return nil, err
		}
		out.NextMarker, out.Truncated, err = c.sealedNext(p)
		return out, err
	})

// summarise adds the summaries of the candidates until the page is full. NotShown counts all keys of the page that the
// caller may not describe: if it counted only those with the members of the request, a caller could find out the tags,
// states and expiries of these keys. In the order of expiry, which keys are examined depends on their expiry already,
// so there is no NotShown.
func (c *call) summarise(
	out *api.ListKeySummariesResponse, candidates []candidate, p *page, in *api.ListKeySummariesRequest,
) error {
	if ok, err := c.mayList("kms:ListKeys"); err != nil {
		return err
	} else if ok && or(in.OrderBy, api.OrderByKeyID) == api.OrderByKeyID {
		out.NotShown = new(int32)
	}
	parts := 0
	for i, one := range candidates {
		if len(out.Keys) == p.limit || parts >= summaryParts {
			p.after, p.more = candidates[i-1].path, true
			break
		}
		may, err := c.isAllowed("kms:DescribeKey", one.key)
		if err != nil {
			return err
		}
		if !may {
			if out.NotShown != nil {
				*out.NotShown++
			}
			continue
		}
		if !hasMembers(one.key, in) {
			continue
		}
		s, selected, err := c.summary(one.key, in)
		if err != nil {
			return err
		}
		if selected {
			out.Keys = append(out.Keys, s)
			parts += len(s.Aliases) + len(s.Tags) + len(s.Materials)
		}
	}
	return nil
}

func checkListKeySummaries(in *api.ListKeySummariesRequest, _ time.Time) error {
	order := or(in.OrderBy, api.OrderByKeyID)
	switch {
	case order != api.OrderByKeyID && order != api.OrderByExpiry:
		return key.Errorf(key.KindValidation, "OrderBy must be %s or %s.", api.OrderByKeyID, api.OrderByExpiry)
	case in.ExpiresBefore != nil && order != api.OrderByExpiry:
		return key.Errorf(key.KindValidation, "ExpiresBefore needs OrderBy %s.", api.OrderByExpiry)
	case in.TagValue != nil && in.TagKey == nil:
		return key.Errorf(key.KindValidation, "TagValue needs TagKey.")
	}
	return nil
}

// A candidate is a key that may be in the answer. path is its path in the listing.
type candidate struct {
	path string
	key  key.Key
}

// candidates returns the keys among the next summariesExamined entries. It notes in the page where these entries end,
// and whether more follow.
func (c *call) candidates(p *page, in *api.ListKeySummariesRequest, order string) (found []candidate, err error) {
	scope := records.ScopePath(c.Caller.Principal.AccountID, c.Caller.Region)
	examined := &page{operation: p.operation, after: p.after, limit: summariesExamined}
	err = c.view(func(v *store.View) error {
		found = nil
		add := func(path, keyPath string) error {
			k, _, err := records.WholeKeys.Get(v, keyPath)
			if k = k.At(c.now); err == nil && k.ID != "" && k.State != key.Gone {
				found = append(found, candidate{path, k})
			}
			return err
		}
		if order == api.OrderByExpiry {
			return listExpiring(examined, v, scope, endOf(in), add)
		}
		return list(examined, v, records.Keys, scope, func(id string, _ key.Key) error { return add(id, scope+id) })
	})
	p.after, p.more = examined.after, examined.more
	return found, err
}

// listExpiring calls add with the keys of a scope from the index of due times. Key material never expires before its
// key is due.
func listExpiring(
	p *page, v *store.View, scope string, before time.Time, add func(path, keyPath string) error,
) error {
	ended := false
	err := list(p, v, records.Dues, "", func(entry string, _ struct{}) error {
		path := records.KeyPathOfDue(entry)
		ended = ended || entry >= records.DuePath(before, "")
		if ended || !strings.HasPrefix(path, scope) {
			return nil
		}
		return add(entry, path)
	})
	p.more = p.more && !ended
	return err
}

// endOf returns ExpiresBefore, or a time after the end of all dates of the API.
func endOf(in *api.ListKeySummariesRequest) time.Time {
	if in.ExpiresBefore == nil {
		return time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return in.ExpiresBefore.Time()
}

// hasMembers reports whether a key has the state, spec, origin, tag and expiry of the request.
func hasMembers(k key.Key, in *api.ListKeySummariesRequest) bool {
	expires := func(at time.Time) bool { return !at.IsZero() && at.Before(endOf(in)) }
	isTag := func(t key.Tag) bool { return t.Key == *in.TagKey && (in.TagValue == nil || t.Value == *in.TagValue) }
	return (in.KeyState == nil || string(k.State) == *in.KeyState) &&
		(in.KeySpec == nil || string(k.Spec) == *in.KeySpec) &&
		(in.Origin == nil || string(k.Origin) == *in.Origin) &&
		(or(in.OrderBy, "") != api.OrderByExpiry || expires(k.FirstExpiry())) &&
		(in.TagKey == nil || slices.ContainsFunc(k.Tags, isTag))
}

// summary returns the summary of a key. selected is false if the key lacks the alias of the request, or the caller may
// not list the aliases or tags by which the request selects.
func (c *call) summary(k key.Key, in *api.ListKeySummariesRequest) (s api.KeySummary, selected bool, err error) {
	if s.Tags, err = c.summaryTags(k); err != nil || in.TagKey != nil && s.Tags == nil {
		return s, false, err
	}
	if s.Aliases, err = c.summaryAliases(k); err != nil || !anyContains(s.Aliases, in.AliasContains) {
		return s, false, err
	}
	if s.Materials, err = c.summaryMaterials(k); err != nil {
		return s, false, err
	}
	s.KeyMetadata, err = c.describe(k)
	s.ValidTo = timestamp(k.FirstExpiry())
	return s, true, err
}

// isAllowed reports whether the caller may do an action on a key, without an event and without the pause of a refusal.
func (c *call) isAllowed(action string, k key.Key) (bool, error) {
	ref := key.Reference{Account: k.Account, Region: k.Region, KeyID: k.ID}
	q, err := c.question(action, target{ref: ref}, k)
	if err != nil {
		return false, err
	}
	d, err := q.onKey(k)
	return d.Allowed, err
}

func (c *call) summaryTags(k key.Key) ([]api.Tag, error) {
	if ok, err := c.isAllowed("kms:ListResourceTags", k); err != nil || !ok {
		return nil, err
	}
	tags := []api.Tag{}
	for _, t := range k.Tags {
		tags = append(tags, api.Tag{TagKey: &t.Key, TagValue: &t.Value})
	}
	return tags, nil
}

// mayList reports whether the caller may do an action that is decided without a resource.
func (c *call) mayList(action string) (bool, error) {
	q, err := c.question(action, target{resource: "*"}, key.Key{})
	if err != nil {
		return false, err
	}
	d := q.decide(q.documents, nil)
	return d.Allowed && q.values.err == nil, q.values.err
}

func (c *call) summaryAliases(k key.Key) (names []string, err error) {
	if ok, err := c.mayList("kms:ListAliases"); err != nil || !ok {
		return nil, err
	}
	names = []string{}
	return names, c.view(func(v *store.View) error {
		all := &page{limit: key.MaxAliases}
		return listAliasesOf(k, all, v, func(a key.Alias) { names = append(names, a.Name) })
	})
}

func anyContains(names []string, part *string) bool {
	return part == nil || slices.ContainsFunc(names, func(name string) bool {
		return strings.Contains(strings.TrimPrefix(name, key.AliasPrefix), *part)
	})
}

func (c *call) summaryMaterials(k key.Key) (entries []api.RotationsListEntry, err error) {
	if k.Origin != key.OriginExternal || k.Spec != key.SymmetricDefault {
		return nil, nil
	}
	if ok, err := c.isAllowed("kms:ListKeyRotations", k); err != nil || !ok {
		return nil, err
	}
	waits, err := c.stateOfPending(k)
	if err != nil {
		return nil, err
	}
	if waits == "" {
		k.Pending = nil
	}
	entries = []api.RotationsListEntry{}
	for _, m := range materialsToList(k, api.IncludeKeyMaterialAll) {
		entries = append(entries, rotationEntry(k, m, waits))
	}
	return entries, nil
}
