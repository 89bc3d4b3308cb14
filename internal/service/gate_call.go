package service

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A call is one request and its state in the gate.
type call struct {
	*Service
	Request
	ctx       context.Context
	now       time.Time  // read once; the same for the whole call
	keys      []key.Key  // the key that each ask found, as of now
	keysArray [1]key.Key // the array of keys: most calls have one key
	findings

	begun  time.Time  // the same moment on the clock that nobody moves
	values conditions // of the decision in progress
	// grants are the grants that the grant tokens of the request name, on any key.
	grants []key.Grant
	trace  *trace // of the decisions; nil unless they are to be explained

	from      store.Getter   // where decisions read; nil reads each record as it is now
	through   bool           // from the store and not from memory, as other nodes share the store
	decidedAt int64          // all records were read at this revision or later
	asOf      time.Time      // the decision is valid as of this time, if other nodes share the store
	reads     *store.Reads   // what the call read; nil unless other nodes share the store
	held      []func() error // decisions besides the asks, which decideAgain repeats
	paused    bool           // a refusal takes refusalTime

	// blobKey is the key that the ciphertext of a past request named, if the call explains a
	// decision.
	blobKey key.Reference

	also      []audit.Event    // events besides the event of the call
	about     []audit.Resource // resources of the call besides keys
	created   string           // the ARN of the key that the call created
	details   eventDetails     // members of the event that are not in the request
	written   []string         // slots of material that is not committed yet
	fence     int64            // of the node, before the first of these slots was put
	committed bool

	committedAt    int64     // the revision of the change
	committedSince time.Time // after the commit
}

// findings are the results of a decision besides the keys. A call that decides again begins
// with empty findings.
type findings struct {
	// refused is the key that an ask found although the caller may not act on it. The event
	// names this key; the answer may not name it. It is nil if there is none.
	refused      *key.Key
	documents    policy.Documents // of the caller, once a decision needed them
	hasDocuments bool
	// principalTags are the values of the caller's tags, once a decision needed them.
	principalTags byName
}

// refuse notes the key that an ask found, if any. Only refusals allocate the key.
func (f *findings) refuse(k key.Key) {
	if k.ID != "" {
		f.refused = &k
	}
}

// eventDetails describe a change beyond its request: the JSON of responseElements and
// additionalEventData.
type eventDetails struct{ response, additional []byte }

// key returns the key that the first ask found.
func (c *call) key() key.Key { return c.keys[0] }

// commit runs fn in a transaction and writes the events of the call in the same transaction.
// The transaction first decides again and checks every record that this decision read, so a
// revocation that was acknowledged before the commit takes effect. fn gets the keys of the call
// as the transaction reads them. commit may run fn several times, so fn does no cryptography
// and makes no calls.
func (c *call) commit(fn func(tx *store.Tx) error) error {
	leave, err := c.takeTurn()
	if err != nil {
		return c.notCommitted(err)
	}
	defer leave()
	if err := c.hasSpace(); err != nil { // the disk may have become full since the gate
		return c.notCommitted(err)
	}
	c.through = c.store.Shared()
	e := c.event(nil)
	e.StoreRevision = 0 // the journal stamps the event after the commit
	asked := c.keys
	c.committedAt, err = c.journal.UpdateAt(c.ctx, c.fence, func(tx *store.Tx) error {
		c.keys = asked // a run that failed has not found all
		tx.Record(c.reads)
		if err := c.decideAgain(tx); err != nil {
			return err
		}
		return fn(tx)
	}, e, c.also...)
	if err != nil {
		return c.notCommitted(err)
	}
	c.committed, c.committedSince = true, time.Now()
	return nil
}

func errTooManyChanges(cause error) error {
	return key.Errorf(key.KindThrottling, "Too many changes at a time. Reduce the frequency of your calls.").Because(cause)
}

// notCommitted gives up the slots that were written for this change. If the change may have been
// made, or may be made later, it keeps them.
func (c *call) notCommitted(err error) error {
	if errors.Is(err, store.ErrFailed) || errors.Is(err, store.ErrUnknown) {
		return err
	}
	c.created = ""
	if len(c.written) > 0 {
		if failed := c.materials.Discard(c.ctx, c.written...); failed != nil {
			return errors.Join(err, failed)
		}
		c.written = nil
	}
	if errors.Is(err, store.ErrConflict) || errors.Is(err, errOtherKey) || errors.Is(err, admit.ErrFull) {
		return errTooManyChanges(err)
	}
	return quotaExceeded(err)
}

// sealMaterial returns the record of new material in a key. The call gives up the slot of
// the material if its change is not committed.
func (c *call) sealMaterial(k key.Key, id string, bytes []byte) (key.Material, error) {
	if len(c.written) == 0 {
		c.fence = c.journal.Fence()
	}
	m, err := c.materials.Seal(c.ctx, k, id, bytes)
	if err == nil {
		c.written = append(c.written, m.Slot)
	}
	return m, err
}

// commitKey replaces the key of the first ask by the key that fn returns. Material that the key
// loses is erased before the answer.
func (c *call) commitKey(fn func(k key.Key) (key.Key, error)) error {
	var left []string
	err := c.commit(func(tx *store.Tx) error {
		k, err := fn(c.key())
		if err != nil {
			return err
		}
		left, err = records.PutWhole(tx, c.key(), k, c.level())
		return err
	})
	if err != nil {
		return err
	}
	return c.materials.Erase(c.ctx, left)
}

// commitNew creates a key with a chosen ID that no other key has.
func (c *call) commitNew(k key.Key) error {
	c.created = k.ARN()
	return c.commit(func(tx *store.Tx) error {
		if err := c.checkFree(tx, k); err != nil {
			return err
		}
		return records.InsertKey(tx, k, c.level())
	})
}

// event returns the event of the call, which ended with err.
func (c *call) event(err error) audit.Event {
	e := audit.Event{
		EventSource:        c.Operation.eventSource(),
		EventID:            journal.NewEventID(),
		EventTime:          c.now,
		EventName:          c.Operation.Name,
		AWSRegion:          c.Caller.Region,
		SourceIPAddress:    c.SourceIP,
		UserAgent:          c.UserAgent,
		RequestID:          c.ID,
		ReadOnly:           c.Operation.ReadOnly,
		RequestParameters:  c.Operation.shape.Parameters(c.Input),
		RecipientAccountID: c.Caller.Principal.AccountID,
		StoreRevision:      c.store.Revision(),
		UserIdentity:       userIdentity(c.Caller.Principal),
	}
	if c.created != "" {
		e.Resources = append(e.Resources, keyResource(c.created, c.Caller.Principal.AccountID))
	}
	for _, k := range c.askedKeys() {
		e.Resources = append(e.Resources, keyResource(k.ARN(), k.Account))
	}
	e.Resources = append(e.Resources, c.about...)
	if e.ErrorCode, e.ErrorMessage = c.Operation.errorOf(err); err == nil {
		e.ResponseElements, e.AdditionalEventData = c.details.response, c.details.additional
	}
	return e
}

// askedKeys returns the keys that the call was about, and the key that refused it.
func (c *call) askedKeys() []key.Key {
	if c.refused == nil {
		return c.keys
	}
	return append(slices.Clip(c.keys), *c.refused)
}

// ErrMade means that a request failed after its change was made.
var ErrMade = errors.New("the change was made, and the request failed after it")

// The messages of KMSInternalException.
const (
	MessageRejected  = "The request was rejected because of an internal error."
	MessageMayBeMade = "An internal error occurred. The request may have been carried out."
)

// InternalMessage returns the message of KMSInternalException for an error that is not a [key.Error].
func InternalMessage(err error) string {
	if errors.Is(err, ErrMade) || errors.Is(err, store.ErrUnknown) || errors.Is(err, store.ErrFailed) {
		return MessageMayBeMade
	}
	return MessageRejected
}

// errorOf returns the error code and the message that the caller received, for the event.
func (o Operation) errorOf(err error) (code, message string) {
	if err == nil {
		return "", ""
	}
	kind := "KMSInternalException"
	if message = InternalMessage(err); message == MessageRejected {
		message = ""
	}
	if refused, ok := errors.AsType[*key.Error](err); ok {
		kind, message = string(refused.Kind), refused.Message
	}
	if o.Target == api.TargetSTS {
		return sts.FaultOf(kind).Code, message
	}
	return kind, message
}
