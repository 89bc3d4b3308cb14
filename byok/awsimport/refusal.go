package awsimport

import "fmt"

// A Code names why an import was refused on this side.
type Code string

// The codes of a [Refusal].
const (
	// NotExternal: the server generates the key's material, so there is nothing to
	// import.
	NotExternal Code = "NotExternal"
	// PendingDeletion: the key is about to be deleted.
	PendingDeletion Code = "PendingDeletion"
	// UnsupportedSpec: keys of this spec take no material from outside.
	UnsupportedSpec Code = "UnsupportedSpec"
	// BadAlias: a key that is to be created has no alias name that the API takes.
	BadAlias Code = "BadAlias"
	// NotProved: the import was accepted, but the server does not show that it holds
	// the material.
	NotProved Code = "NotProved"
)

// A Refusal is an error that the server did not give.
type Refusal struct {
	Code    Code
	Message string
}

func refuse(c Code, format string, args ...any) *Refusal {
	return &Refusal{c, fmt.Sprintf(format, args...)}
}

func (r *Refusal) Error() string { return "awsimport: " + r.Message }
