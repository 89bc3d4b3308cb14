package key

import (
	"fmt"
	"strings"
)

// A State is a key state, by its name in the API.
type State string

// The states of the API, and Gone, which is never shown: for callers, a key whose deletion date has passed does
// not exist.
const (
	Enabled                State = "Enabled"
	Disabled               State = "Disabled"
	PendingDeletion        State = "PendingDeletion"
	PendingReplicaDeletion State = "PendingReplicaDeletion"
	PendingImport          State = "PendingImport"
	Unavailable            State = "Unavailable"
	Creating               State = "Creating"
	Updating               State = "Updating"
	Gone                   State = "Gone"
)

// grid lists the result of each operation in each key state: "ok" or a word that refusals defines. Source: "Key
// states of AWS KMS keys" in the developer guide, which does not cover DeleteImportedKeyMaterial, ReplicateKey
// and UpdatePrimaryRegion in Unavailable; these cells follow similar operations.
const grid = `
operation                        Enabled  Disabled  PendingDeletion   PendingReplicaDeletion    PendingImport   Unavailable  Creating  Updating
CancelKeyDeletion                not-due  not-due   ok                ok                        not-due         not-due      not-due   not-due
CreateAlias                      ok       ok        pending-deletion  pending-replica-deletion  ok              ok           ok        ok
CreateGrant                      ok       disabled  pending-deletion  pending-replica-deletion  pending-import  ok           creating  ok
Decapsulate                      ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
Decrypt                          ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
DeleteAlias                      ok       ok        ok                ok                        ok              ok           ok        ok
DeleteImportedKeyMaterial        ok       ok        ok                ok                        ok              unavailable  creating  updating
DeriveSharedSecret               ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
DescribeKey                      ok       ok        ok                ok                        ok              ok           ok        ok
DisableKey                       ok       ok        pending-deletion  pending-replica-deletion  pending-import  ok           creating  updating
DisableKeyRotation               ok       disabled  pending-deletion  pending-replica-deletion  ok              ok           creating  ok
EnableKey                        ok       ok        pending-deletion  pending-replica-deletion  pending-import  ok           creating  updating
EnableKeyRotation                ok       disabled  pending-deletion  pending-replica-deletion  ok              ok           creating  ok
Encapsulate                      ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
Encrypt                          ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
GenerateDataKey                  ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
GenerateDataKeyPair              ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
GenerateDataKeyPairWithoutPlaintext  ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
GenerateDataKeyWithoutPlaintext  ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
GenerateMac                      ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
GetKeyLastUsage                  ok       ok        ok                ok                        ok              ok           ok        ok
GetKeyPolicy                     ok       ok        ok                ok                        ok              ok           ok        ok
GetKeyRotationStatus             ok       ok        ok                ok                        ok              ok           ok        ok
GetParametersForImport           ok       ok        pending-deletion  pending-replica-deletion  ok              ok           creating  updating
GetPublicKey                     ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
ImportKeyMaterial                ok       ok        pending-deletion  pending-replica-deletion  ok              ok           creating  ok
ListAliases                      ok       ok        ok                ok                        ok              ok           ok        ok
ListGrants                       ok       ok        ok                ok                        ok              ok           ok        ok
ListKeyPolicies                  ok       ok        ok                ok                        ok              ok           ok        ok
ListKeyRotations                 ok       ok        ok                ok                        ok              ok           ok        ok
ListResourceTags                 ok       ok        ok                ok                        ok              ok           ok        ok
PutKeyPolicy                     ok       ok        ok                ok                        ok              ok           ok        ok
ReEncrypt                        ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
ReplicateKey                     ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  updating
RetireGrant                      ok       ok        ok                ok                        ok              ok           ok        ok
RevokeGrant                      ok       ok        ok                ok                        ok              ok           ok        ok
RotateKeyOnDemand                ok       disabled  pending-deletion  pending-replica-deletion  pending-import  ok           creating  updating
ScheduleKeyDeletion              ok       ok        pending-deletion  pending-replica-deletion  ok              ok           ok        updating
Sign                             ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
TagResource                      ok       ok        pending-deletion  pending-replica-deletion  ok              ok           ok        ok
UntagResource                    ok       ok        pending-deletion  pending-replica-deletion  ok              ok           ok        ok
UpdateAlias                      ok       ok        pending-deletion  pending-replica-deletion  ok              ok           ok        ok
UpdateKeyDescription             ok       ok        pending-deletion  pending-replica-deletion  ok              ok           ok        ok
UpdatePrimaryRegion              ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
Verify                           ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
VerifyMac                        ok       disabled  pending-deletion  pending-replica-deletion  pending-import  unavailable  creating  ok
`

// refusals defines the words of the grid other than "ok".
const refusals = `
disabled                  DisabledException         is disabled.
pending-deletion          KMSInvalidStateException  is pending deletion.
pending-replica-deletion  KMSInvalidStateException  is pending replica deletion.
pending-import            KMSInvalidStateException  is pending import.
unavailable               KMSInvalidStateException  is unavailable.
creating                  KMSInvalidStateException  is creating.
updating                  KMSInvalidStateException  is updating.
not-due                   KMSInvalidStateException  is not pending deletion.
`

// Rules is the parsed grid.
type Rules struct {
	cells    map[cell]string
	refusals map[string]Error
}

type cell struct {
	operation string
	state     State
}

// ParseRules parses the grid. It panics if the grid is malformed.
func ParseRules() Rules { return parseRules(grid) }

func parseRules(grid string) Rules {
	r := Rules{cells: map[cell]string{}, refusals: map[string]Error{}}
	for line := range strings.Lines(strings.TrimSpace(refusals)) {
		f := strings.Fields(line)
		r.refusals[f[0]] = Error{Kind: Kind(f[1]), Message: strings.Join(f[2:], " ")}
	}
	lines := strings.Split(strings.TrimSpace(grid), "\n")
	states := strings.Fields(lines[0])[1:]
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) != 1+len(states) {
			panic(fmt.Sprintf("key: grid line %q has %d cells, not %d", f[0], len(f)-1, len(states)))
		}
		for i, word := range f[1:] {
			if _, known := r.refusals[word]; !known && word != "ok" {
				panic(fmt.Sprintf("key: grid line %q has the unknown word %q", f[0], word))
			}
			r.cells[cell{f[0], State(states[i])}] = word
		}
	}
	return r
}

// Covers reports whether the grid has a row for the operation.
func (r Rules) Covers(operation string) bool {
	_, ok := r.cells[cell{operation, Enabled}]
	return ok
}

// Permit returns nil if the operation may run on the key in its present state, and otherwise the Error that the
// grid specifies.
func (r Rules) Permit(operation string, k Key) error {
	word, ok := r.cells[cell{operation, k.State}]
	switch {
	case !ok:
		return fmt.Errorf("key: the grid has no cell for %s in state %q", operation, k.State)
	case word == "ok":
		return nil
	}
	refusal := r.refusals[word]
	return Errorf(refusal.Kind, "%s %s", k.ARN(), refusal.Message)
}

// Grid returns the grid as text, for the documentation.
func Grid() string { return strings.TrimSpace(grid) }
