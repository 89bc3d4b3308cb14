package service

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// parseHypothesis returns the hypothesis that the members describe.
func (c *call) parseHypothesis(in *api.ExplainDecisionRequest) (*hypothesis, error) {
	op, asks, err := c.operationOf(*in.Action)
	if err != nil {
		return nil, err
	}
	h := &hypothesis{asks: asks, to: c.Caller.Principal.AccountID}
	p, err := c.principalOf(h, *in.PrincipalArn)
	if err != nil {
		return nil, err
	}
	h.call = c.hypotheticalCall(p, c.Caller.Region, op)
	h.SourceIP, h.Secure = or(in.SourceIp, ""), c.Secure
	return h, h.fill(in)
}

// hypotheticalCall returns a call with an empty request, which is not carried out. The call
// does not read the policies of a principal of another account.
func (c *call) hypotheticalCall(p identity.Principal, region string, op Operation) *call {
	x := &call{
		Service: c.Service,
		Request: Request{Caller: identity.Caller{Principal: p, Region: region}, Operation: op, Input: op.NewInput()},
		ctx:     c.ctx, now: c.now, begun: time.Now(), trace: &trace{},
	}
	if p.AccountID != c.Caller.Principal.AccountID {
		x.hasDocuments = true // an account sees no policies of another account
	}
	return x
}

// operationOf returns the operation that needs the permission for an action, and the asks of the
// operation that name the action. Most actions have the name of their operation. The operations
// of STS have rules besides policies, so they are not explained.
func (s *Service) operationOf(action string) (op Operation, all asks, err error) {
	_, name, _ := strings.Cut(action, ":")
	for _, o := range s.operations {
		found := o.asksFor(action)
		if o.isExplained() && len(found) > 0 && (all == nil || strings.EqualFold(o.Name, name)) {
			op, all = o, found
		}
	}
	if all == nil {
		return op, nil, key.Errorf(key.KindValidation,
			"No operation of KMS or of administrators that is served asks for the action %s: write one as kms:Decrypt.", action)
	}
	return op, all, nil
}

// isExplained reports whether decisions about the operation are explained.
func (o Operation) isExplained() bool {
	return o.Target == api.TargetKMS || o.Target == api.TargetAdmin
}

// asksFor returns the asks of the operation for an action. Actions are compared regardless of
// case.
func (o Operation) asksFor(action string) (all asks) {
	for _, a := range o.asks {
		if strings.EqualFold(a.Action, action) {
			all = append(all, a)
		}
	}
	return all
}

// fill sets the known members of the request.
func (h *hypothesis) fill(in *api.ExplainDecisionRequest) error {
	members := map[string]jsontext.Value{}
	for name, text := range in.Members {
		if err := h.addMember(members, name, text); err != nil {
			return err
		}
	}
	if in.KeyId != nil {
		if err := h.add(members, "a key", h.keyMember(*in.KeyId), *in.KeyId); err != nil {
			return err
		}
	}
	if in.EncryptionContext != nil {
		if err := h.add(members, "an encryption context", h.contextMember(), in.EncryptionContext); err != nil {
			return err
		}
	}
	if in.GrantTokens != nil {
		if err := h.add(members, "grant tokens", "GrantTokens", in.GrantTokens); err != nil {
			return err
		}
	}
	body, err := api.Encode(members)
	if err != nil {
		return err
	}
	if err := api.Decode(body, h.Input); err != nil {
		return key.Errorf(key.KindValidation, "A member is not as %s has it: %v.", h.Operation.Name, err)
	}
	return h.checkGiven()
}

// add sets a member for which ExplainDecision has a member of its own.
func (h *hypothesis) add(members map[string]jsontext.Value, what, name string, value any) error {
	if !h.field(name).IsValid() {
		return key.Errorf(key.KindValidation, "%s has no member for %s: leave it out.", h.Operation.Name, what)
	}
	text, err := api.Encode(value)
	members[name] = text
	return err
}

// addMember sets a member by its name. The text is parsed as JSON unless the member is a
// string, or a list of words, which may be separated by commas.
func (h *hypothesis) addMember(members map[string]jsontext.Value, name, text string) (err error) {
	f := h.field(name)
	switch {
	case !f.IsValid():
		return key.Errorf(key.KindValidation,
			"%s has no member %s: names are as in the API, such as %s.", h.Operation.Name, name, "KeyId")
	case f.Type() == reflect.TypeFor[[]byte]():
		return key.Errorf(key.KindValidation, "What %s holds has no say in a decision: leave it out.", name)
	case f.Type() == reflect.TypeFor[*string]():
		members[name], err = api.Encode(text)
	case f.Type() == reflect.TypeFor[*api.Timestamp]():
		members[name], err = encodeTime(name, text)
	case f.Type() == reflect.TypeFor[[]string]() && !strings.HasPrefix(text, "["):
		members[name], err = api.Encode(strings.Split(text, ","))
	default:
		members[name] = jsontext.Value(text)
		if !members[name].IsValid() {
			err = key.Errorf(key.KindValidation, "The value of %s is to be given as JSON.", name)
		}
	}
	return err
}

func encodeTime(name, text string) (jsontext.Value, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, key.Errorf(key.KindValidation, "The value of %s is to be a time, such as 2026-12-31T00:00:00Z.", name)
	}
	return api.Encode(timestamp(at))
}

func (h *hypothesis) field(name string) reflect.Value {
	return h.Operation.shape.Field(h.Input, name)
}

// keyMember returns the name of the member that names the key of the action.
func (h *hypothesis) keyMember(name string) string {
	alias := h.field("AliasName").IsValid() && strings.HasPrefix(name, key.AliasPrefix)
	switch {
	case h.asks[0].Action == "kms:ReEncryptTo":
		return "DestinationKeyId"
	case h.asks[0].Action == "kms:ReEncryptFrom":
		return "SourceKeyId"
	case alias:
		return "AliasName"
	case h.field("TargetKeyId").IsValid():
		return "TargetKeyId"
	}
	return "KeyId"
}

// contextMember returns the name of the member with the encryption context of the action.
func (h *hypothesis) contextMember() string {
	return target{destination: h.asks[0].Action == "kms:ReEncryptTo"}.contextMember(h.call)
}

// checkGiven validates the known members.
func (h *hypothesis) checkGiven() error {
	if text := h.Operation.shape.ValidateGiven(h.Input); text != "" {
		return key.Errorf(key.KindValidation, "%s", text)
	}
	if f := h.field("AliasName"); f.IsValid() && !f.IsNil() {
		return key.CheckAliasName(f.Elem().String())
	}
	return nil
}

// hasMember reports whether the operation has one of the members.
func (h *hypothesis) hasMember(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return h.field(name).IsValid() })
}
