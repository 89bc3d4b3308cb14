package redo

import (
	"fmt"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/store"
)

// A row makes the change of an event again.
type row struct {
	redo func(tx *store.Tx, e audit.Event) error
}

// rows are the events of changes that take something away, and of changes that give it back.
var rows = map[string]row{
	"CancelKeyDeletion":         onKey(cancelDeletion),
	"DeleteImportedKeyMaterial": onKey(deleteMaterial),
	"DeleteKey":                 onKey(deleteKey),
	"DisableKey":                onKey(disable),
	"EnableKey":                 onKey(enable),
	"ImportKeyMaterial":         onKey(shortenMaterial),
	"PutKeyPolicy":              onKey(putPolicy),
	"ScheduleKeyDeletion":       onKey(scheduleDeletion),
	"TagResource":               onKey(tag),
	"UntagResource":             onKey(untag),

	"DeleteAlias": with(deleteAlias),
	"RetireGrant": {retireGrant},
	"RevokeGrant": {retireGrant},
	"UpdateAlias": with(updateAlias),

	"DeleteAccessKey":      {deleteAccessKey},
	"DeleteIdentity":       with(deleteIdentity),
	"PutPolicy":            with(putManagedPolicy),
	"PutProvider":          with(putProvider),
	"PutRole":              with(putRole),
	"PutUser":              with(putUser),
	"ResetRootCredentials": {resetRoot},
	"RevokeSessions":       with(revokeSessions),
	"SetIdentityState":     with(setState),

	"Recover":     leave("a custody of the root key may have been removed: remove it again with keyhold seal migrate"),
	"SealMigrate": leave("a custody of the root key may have been removed: remove it again with keyhold seal migrate"),
}

// Takes reports whether the event of a name is a change that Apply makes again, or names.
func Takes(event string) bool {
	_, ok := rows[event]
	return ok
}

// TakesNothing has the reason for each operation that is not made again although other nodes wait for it.
var TakesNothing = map[string]string{
	"MoveClock":           "of a dev server",
	"PutAccount":          "it takes nothing away",
	"RotateAccessKey":     "it removes an access key only after that was disabled",
	"RotateKeyOnDemand":   "the former material still decrypts",
	"SealRotate":          "the custodies of the backup stay the same",
	"UpdatePrimaryRegion": "it takes nothing away",
}

// with returns a row for a request that is read back from the parameters of its event.
func with[In any](fn func(tx *store.Tx, e audit.Event, in *In) error) row {
	return row{func(tx *store.Tx, e audit.Event) error {
		in, err := input[In](e)
		if err != nil {
			return err
		}
		return fn(tx, e, in)
	}}
}

// input returns the request of an event.
func input[In any](e audit.Event) (*In, error) {
	in, shape, parameters := new(In), api.ShapeOf[In](), e.RequestParameters
	if len(parameters) == 0 { // an action of the server itself
		parameters = []byte("null")
	}
	lost, err := shape.Recall(parameters, in)
	if err == nil && len(lost) > 0 {
		return nil, notRedone("the audit log does not keep %s, which was too long", fmt.Sprint(lost))
	}
	if err == nil {
		err = shape.CheckRecalled(in)
	}
	if err != nil {
		return nil, notRedone("the parameters of the event cannot be read: %v", err)
	}
	return in, nil
}

func leave(reason string) row {
	return row{func(*store.Tx, audit.Event) error { return notRedone("%s", reason) }}
}

// or returns the value that p points to, or def if p is nil.
func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
