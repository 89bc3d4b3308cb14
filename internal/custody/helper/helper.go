// Package helper has the messages between Keyhold and the program keyhold-pkcs11, which is a process of its own because
// it loads the library of a vendor.
//
// Keyhold starts the program for one operation, writes a Request to its standard input, and closes it. The program
// writes a Response to its standard output, and ends. Both are JSON of at most MaxMessage bytes.
package helper

import (
	"encoding/json"
	"errors"
	"io"
)

// Version is the version of the messages.
const Version = 1

// MaxMessage is the size in bytes that no message exceeds.
const MaxMessage = 64 << 10

// A Request asks for one operation with a key on a token.
type Request struct {
	Version   int
	Operation Operation
	Seconds   int    // the program ends itself after this time
	Module    string // path of the vendor's library
	Token     Token
	Key       Key
	PIN       []byte `json:",omitempty"`
	Data      []byte `json:",omitempty"` // the key of 32 bytes to wrap, or the wrapped key
	Context   string `json:",omitempty"`
}

// An Operation is what a Request asks for.
type Operation string

// The operations. Create makes the key if the token has none of its name.
const (
	Create Operation = "create"
	Wrap   Operation = "wrap"
	Unwrap Operation = "unwrap"
)

// A Token selects a token. Empty members select all.
type Token struct {
	Label        string `json:",omitempty"`
	Serial       string `json:",omitempty"`
	Manufacturer string `json:",omitempty"`
	Model        string `json:",omitempty"`
}

// A Key selects a key on a token by its label, or its ID, or both.
type Key struct {
	Label string `json:",omitempty"`
	ID    []byte `json:",omitempty"`
}

// A Response is the result of an operation.
type Response struct {
	Data  []byte `json:",omitempty"`
	Fault Fault  `json:",omitempty"` // empty if the operation succeeded
	Text  string `json:",omitempty"` // says more about the Fault
}

// A Fault is why an operation failed.
type Fault string

// The faults that Keyhold distinguishes.
const (
	BadRequest   Fault = "bad-request"
	NoModule     Fault = "no-module"     // the library cannot be loaded
	NoToken      Fault = "no-token"      // no token has this name
	ManyTokens   Fault = "many-tokens"   // several tokens have this name
	NoKey        Fault = "no-key"        // the token does not have the key
	ManyKeys     Fault = "many-keys"     // the token has several keys of this name
	NoMechanism  Fault = "no-mechanism"  // the token cannot wrap with this key
	NoPIN        Fault = "no-pin"        // the token needs a PIN
	WrongPIN     Fault = "wrong-pin"     // the token refused the PIN
	LastPIN      Fault = "last-pin"      // a wrong PIN would lock the token, so none was sent
	LockedPIN    Fault = "locked-pin"    // the token is locked
	DoesNotOpen  Fault = "does-not-open" // the wrapped key is not of this key, or is damaged
	DeviceFailed Fault = "device-failed" // all other errors of the library
)

// Read reads a message to its end.
func Read(r io.Reader, message any) error {
	text, err := io.ReadAll(io.LimitReader(r, MaxMessage+1))
	defer clear(text)
	if err != nil {
		return err
	}
	if len(text) > MaxMessage {
		return errors.New("the message is too long")
	}
	return json.Unmarshal(text, message)
}
