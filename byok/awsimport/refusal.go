package awsimport

import "fmt"

// A Code names the reason of a [Refusal].
type Code string

// The codes of a [Refusal].
const (
	// NotExternal: the server generates the key's material, so there is nothing to
	// import.
	NotExternal Code = "NotExternal"
	// PendingDeletion: the key is about to be deleted.
	PendingDeletion Code = "PendingDeletion"
	// UnsupportedSpec: material cannot be imported into keys of this spec.
	UnsupportedSpec Code = "UnsupportedSpec"
	// BadAlias: the alias name of a key to create is invalid.
	BadAlias Code = "BadAlias"
	// NotProved: the import was accepted, but the server did not prove that it has
	// the material.
	NotProved Code = "NotProved"
)

// A Refusal is an error that this package found, not the server.
type Refusal struct {
	Code    Code
	Message string
}

func refuse(c Code, format string, args ...any) *Refusal {
	return &Refusal{c, fmt.Sprintf(format, args...)}
}

func (r *Refusal) Error() string { return "awsimport: " + r.Message }
