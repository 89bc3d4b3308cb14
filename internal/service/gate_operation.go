package service

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// An Operation is one row of the table of operations.
type Operation struct {
	Name   string
	Target string // the API that the operation belongs to: api.TargetKMS or another
	// ReadOnly means that the operation changes no record.
	ReadOnly bool
	// Unsigned means that requests need no signature, because their members identify the
	// caller.
	Unsigned bool

	// acrossAccounts means that the operation can use a key of another account.
	acrossAccounts bool

	// onIdentities means that the operation changes the identities of an account.
	onIdentities bool

	// usesKeys means that the operation is a cryptographic operation whose use GetKeyLastUsage
	// reports.
	usesKeys bool

	// usesMaterial means that the operation computes with the material of its keys.
	usesMaterial bool

	// usesReserve means that the operation works even when the disk is full.
	usesReserve bool

	// readsThrough and onlyAdds matter if other nodes share the store (readsThrough, onlyAdds).
	readsThrough, onlyAdds bool

	class int // the index of its class in rateRows

	// Number is the place of the operation among all operations by name, from 1.
	Number int

	asks  []ask
	shape *api.Shape
	input func() any // returns a pointer to an empty request
	check func(in any, now time.Time) error
	run   func(c *call, in any) (any, error)
}

// NewInput returns a pointer to an empty request of the operation, to decode into.
func (o Operation) NewInput() any { return o.input() }

// eventSource returns the service of the operation, as events name it.
func (o Operation) eventSource() string {
	if o.Target == api.TargetSTS {
		return audit.STS
	}
	return audit.KMS
}

// An ask is one permission that a request needs: an action on a resource. On is nil if the only
// resource of the action is the account.
type ask struct {
	Action string
	On     finder
	May    decider // nil decides by policies and grants
}

// A decider decides about a key that was found or is missing. For an ask without On it gets the
// zero Key.
type decider func(c *call, action string, t target, k key.Key, missing error) error

type asks []ask

// query returns the row of an operation that changes nothing. check checks the members before
// any key is looked up; it may be nil.
func query[In, Out any](
	name string, a asks, check func(*In, time.Time) error, run func(*call, *In) (*Out, error),
) Operation {
	o := Operation{
		Name:     name,
		ReadOnly: true,
		asks:     a,
		shape:    api.ShapeOf[In](),
		input:    func() any { return new(In) },
		check:    func(any, time.Time) error { return nil },
		run: func(c *call, in any) (any, error) {
			out, err := run(c, in.(*In))
			if out == nil {
				return nil, err // a nil pointer in an interface is not nil
			}
			return out, err
		},
	}
	if check != nil {
		o.check = func(in any, now time.Time) error { return check(in.(*In), now) }
	}
	return o
}

// change returns the row of an operation that changes records. The operation commits once,
// through call.commit, which also writes the event.
func change[In, Out any](
	name string, a asks, check func(*In, time.Time) error, run func(*call, *In) (*Out, error),
) Operation {
	o := query(name, a, check, run)
	o.ReadOnly = false
	return o
}

// A target is the resource that an ask is about: a key, or a resource without a policy of its
// own. A zero target needs no permission.
type target struct {
	ref      key.Reference
	resource string // the ARN of an alias, or of a new key
	// fromBlob means that a ciphertext named the key. Then the answer does not distinguish
	// missing, foreign and forbidden keys.
	fromBlob bool
	// anyState means that the state of this key does not matter: the grid of states applies
	// only to the other keys.
	anyState bool
	// destination means that ReEncrypt encrypts under this key.
	destination bool
}

func (t target) isKey() bool { return t.ref != key.Reference{} }

// arn returns the ARN for the decision: the ARN of the key that was found, or the ARN of the
// resource that the caller named.
func (t target) arn(k key.Key) string {
	switch {
	case k.ID != "":
		return k.ARN()
	case t.isKey():
		return t.ref.ARN()
	}
	return t.resource
}

// hasContext reports whether the operation has an encryption context.
func (t target) hasContext(c *call) bool {
	return c.Operation.shape.Field(c.Input, t.contextMember(c)).IsValid()
}

// context returns the encryption context for the values of condition keys. CreateGrant has the
// encryption context of its constraints. Source: "Condition keys for AWS KMS",
// kms:EncryptionContext.
func (t target) context(c *call) map[string]string {
	if in, ok := c.Input.(*api.CreateGrantRequest); ok {
		if in.Constraints == nil {
			return nil
		}
		if len(in.Constraints.EncryptionContextEquals) > 0 {
			return in.Constraints.EncryptionContextEquals
		}
		return in.Constraints.EncryptionContextSubset
	}
	if f := c.Operation.shape.Field(c.Input, t.contextMember(c)); f.IsValid() {
		return f.Interface().(map[string]string)
	}
	return nil
}

func (t target) contextMember(c *call) string {
	switch _, two := c.Input.(*api.ReEncryptRequest); {
	case two && t.destination:
		return "DestinationEncryptionContext"
	case two:
		return "SourceEncryptionContext"
	}
	return "EncryptionContext"
}

// A finder returns the target of a request.
type finder func(c *call, in any) (target, error)

// keyID returns a finder of the key that a member names by key ID or key ARN.
func keyID(member string) finder { return keyNamed(member, key.ParseKeyReference) }

// keyOrAlias returns a finder of the key that a member names by key ID, key ARN, alias name or
// alias ARN.
func keyOrAlias(member string) finder { return keyNamed(member, key.ParseReference) }

func keyNamed(member string, parse func(name, account, region string) (key.Reference, error)) finder {
	return func(c *call, in any) (target, error) {
		name, err := c.needed(in, member)
		if err != nil {
			return target{}, err
		}
		ref, err := parse(name, c.Caller.Principal.AccountID, c.Caller.Region)
		return target{ref: ref}, err
	}
}

// keyOfAlias returns a finder of the key of an alias. A member names the alias, which must
// belong to the caller's account. The check of the members has accepted the name.
func keyOfAlias(member string) finder {
	return func(c *call, in any) (target, error) {
		name, err := c.needed(in, member)
		return target{ref: c.ownAlias(name)}, err
	}
}

// anyState returns a finder of a key whose state does not matter, for an operation that checks
// the state of another key.
func anyState(find finder) finder {
	return func(c *call, in any) (target, error) {
		t, err := find(c, in)
		t.anyState = true
		return t, err
	}
}

// alias returns a finder of the alias that a member names in the caller's account. The check of
// the members has accepted the name.
func alias(member string) finder {
	return func(c *call, in any) (target, error) {
		name, err := c.needed(in, member)
		return target{resource: c.ownAlias(name).ARN()}, err
	}
}

// destination returns a finder of the key under which ReEncrypt encrypts.
func destination(find finder) finder {
	return func(c *call, in any) (target, error) {
		t, err := find(c, in)
		t.destination = true
		return t, err
	}
}

// tagged returns a finder of a new key with tags. Tags need a permission of their own. The key
// has no ID yet. Source: "Controlling access to tags" in the developer guide.
func tagged(region func(c *call, in any) string) finder {
	return func(c *call, in any) (target, error) {
		if len(c.field(in, "Tags").Interface().([]api.Tag)) == 0 {
			return target{}, nil
		}
		return target{resource: key.KeyARN(c.Caller.Principal.AccountID, region(c, in), uuid.Nil.String())}, nil
	}
}

// optional returns a finder that asks for no permission if the member is absent.
func optional(member string, find func(member string) finder) finder {
	found := find(member)
	return func(c *call, in any) (target, error) {
		if c.text(in, member) == nil {
			return target{}, nil
		}
		return found(c, in)
	}
}

// keyOfCiphertext returns a finder of the key that the caller names or, without such a name, of
// the key that the ciphertext names.
func keyOfCiphertext(member, blobMember string) finder {
	named := keyOrAlias(member)
	return func(c *call, in any) (target, error) {
		if c.text(in, member) != nil {
			return named(c, in)
		}
		if c.blobKey != (key.Reference{}) {
			return target{ref: c.blobKey, fromBlob: true}, nil
		}
		h, err := crypt.ParseBlob(c.field(in, blobMember).Bytes())
		if err != nil || !key.ValidID(h.KeyID) || !key.ValidAccount(h.Account) {
			return target{}, key.Errorf(key.KindInvalidCiphertext, "")
		}
		ref := key.Reference{Account: h.Account, Region: c.Caller.Region, KeyID: h.KeyID}
		return target{ref: ref, fromBlob: true}, nil
	}
}

// needed returns a required member. Only a request whose decision is explained may lack the
// member, because all other requests were validated.
func (c *call) needed(in any, member string) (string, error) {
	text := c.text(in, member)
	if text == nil {
		return "", errMissingMember(strings.ToLower(member[:1]) + member[1:])
	}
	return *text, nil
}

func (c *call) text(in any, member string) *string {
	return c.field(in, member).Interface().(*string)
}

func (c *call) field(in any, member string) reflect.Value {
	f := c.Operation.shape.Field(in, member)
	if !f.IsValid() {
		panic(fmt.Sprintf("service: %T has no member %s", in, member))
	}
	return f
}

// or returns the value that p points to, or def if p is nil.
func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// errMissingMember refuses a request without a member that the API describes as optional, but that
// this request needs.
func errMissingMember(name string) error {
	return key.Errorf(key.KindValidation,
		"1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", name)
}
