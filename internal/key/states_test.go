package key

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// wanted is the API's matrix of operations and key states, written independently of the grid and by its
// columns:
//
// Enabled | Disabled | PendingDeletion, PendingReplicaDeletion | PendingImport | Unavailable | Creating |
// Updating
//
// Cells where the API answers UnsupportedOperationException because of the key's origin are "ok" here: the
// operation itself checks the origin, whatever the state. For keys pending deletion, two errors are documented;
// the service answers KMSInvalidStateException. UpdateAlias depends on the state of the new key.
const wanted = `
Encrypt, Decrypt, ReEncrypt                       ok | D  | SP | PI | UN | CR | ok
GenerateDataKey, GenerateDataKeyWithoutPlaintext  ok | D  | SP | PI | UN | CR | ok
GenerateDataKeyPair                               ok | D  | SP | PI | UN | CR | ok
GenerateDataKeyPairWithoutPlaintext               ok | D  | SP | PI | UN | CR | ok
Sign, Verify, GenerateMac, VerifyMac              ok | D  | SP | PI | UN | CR | ok
GetPublicKey, DeriveSharedSecret                  ok | D  | SP | PI | UN | CR | ok
Encapsulate, Decapsulate                          ok | D  | SP | PI | UN | CR | ok
EnableKey, DisableKey                             ok | ok | SP | PI | ok | CR | UP
CreateAlias, UpdateAlias                          ok | ok | SP | ok | ok | ok | ok
TagResource, UntagResource, UpdateKeyDescription  ok | ok | SP | ok | ok | ok | ok
DescribeKey, ListAliases, DeleteAlias             ok | ok | ok | ok | ok | ok | ok
GetKeyPolicy, PutKeyPolicy, ListKeyPolicies       ok | ok | ok | ok | ok | ok | ok
ListResourceTags, GetKeyRotationStatus            ok | ok | ok | ok | ok | ok | ok
ListGrants, RetireGrant, RevokeGrant              ok | ok | ok | ok | ok | ok | ok
CreateGrant                                       ok | D  | SP | PI | ok | CR | ok
ReplicateKey                                      ok | D  | SP | PI | UN | CR | UP
UpdatePrimaryRegion                               ok | D  | SP | PI | UN | CR | ok
ListKeyRotations, GetKeyLastUsage                 ok | ok | ok | ok | ok | ok | ok
ScheduleKeyDeletion                               ok | ok | SP | ok | ok | ok | UP
CancelKeyDeletion                                 NP | NP | ok | NP | NP | NP | NP
GetParametersForImport                            ok | ok | SP | ok | ok | CR | UP
ImportKeyMaterial                                 ok | ok | SP | ok | ok | CR | ok
DeleteImportedKeyMaterial                         ok | ok | ok | ok | UN | CR | UP
EnableKeyRotation, DisableKeyRotation             ok | D  | SP | ok | ok | CR | ok
RotateKeyOnDemand                                 ok | D  | SP | PI | ok | CR | UP
`

// column is the place of each state in the rows of wanted.
var column = map[State]int{
	Enabled: 0, Disabled: 1, PendingDeletion: 2, PendingReplicaDeletion: 2, PendingImport: 3, Unavailable: 4, Creating: 5, Updating: 6,
}

// wantedError returns the error that a cell of wanted stands for. The kind is empty for "ok".
func wantedError(code string, s State) (kind Kind, message string) {
	switch code {
	case "ok":
		return "", ""
	case "D":
		return "DisabledException", keyARN + " is disabled."
	case "SP":
		if s == PendingReplicaDeletion {
			return "KMSInvalidStateException", keyARN + " is pending replica deletion."
		}
		return "KMSInvalidStateException", keyARN + " is pending deletion."
	}
	ending := map[string]string{
		"NP": "is not pending deletion.", "PI": "is pending import.", "UN": "is unavailable.", "CR": "is creating.", "UP": "is updating.",
	}[code]
	return "KMSInvalidStateException", keyARN + " " + ending
}

// wantedCells returns the cells of wanted by operation.
func wantedCells(t *testing.T) map[string][]string {
	cells := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(wanted)) {
		names, codes, ok := strings.Cut(line, "  ")
		row := strings.Fields(strings.ReplaceAll(codes, "|", " "))
		if !ok || len(row) != 7 {
			t.Fatalf("broken line %q", line)
		}
		for _, operation := range strings.Split(names, ", ") {
			cells[operation] = row
		}
	}
	return cells
}

func TestEveryCellOfTheGrid(t *testing.T) {
	rules, cells := ParseRules(), 0
	for operation, row := range wantedCells(t) {
		for _, s := range allStates {
			cells++
			t.Run(operation+"/"+string(s), func(t *testing.T) {
				kind, message := wantedError(row[column[s]], s)
				err := rules.Permit(operation, externalKey(s))
				if kind != "" {
					wantError(t, err, kind, message)
				} else if err != nil {
					t.Errorf("refused: %v", err)
				}
			})
		}
	}
	t.Attr("ran", fmt.Sprintf("%d cells of the grid of operations and states", cells))
}

// The grid has exactly the rows of wanted, in alphabetical order.
func TestGridCoversTheOperations(t *testing.T) {
	rules, cells := ParseRules(), wantedCells(t)
	var lines []string
	for line := range strings.Lines(Grid()) {
		lines = append(lines, strings.Fields(line)[0])
	}
	if lines[0] != "operation" || !slices.IsSorted(lines[1:]) || len(lines)-1 != len(cells) {
		t.Errorf("the grid has the lines %q", lines)
	}
	for _, operation := range lines[1:] {
		if cells[operation] == nil || !rules.Covers(operation) {
			t.Errorf("%s: covered %v, wanted %v", operation, rules.Covers(operation), cells[operation])
		}
	}
	for _, other := range []string{"", "operation", "CreateCustomKeyStore", "decrypt"} {
		if rules.Covers(other) {
			t.Errorf("the grid has a line for %q", other)
		}
	}
}

// For an operation that the grid does not cover, Permit returns an internal error, not one for the caller.
func TestPermitOutsideTheGrid(t *testing.T) {
	rules := ParseRules()
	for _, test := range []struct {
		operation string
		state     State
	}{{"Decrypt", Gone}, {"DescribeKey", Gone}, {"CancelKeyDeletion", Gone}, {"DescribeKey", ""}, {"DescribeKey", "enabled"}, {"CreateCustomKeyStore", Enabled}, {"", Enabled}} {
		err := rules.Permit(test.operation, externalKey(test.state))
		if _, isRefusal := errors.AsType[*Error](err); err == nil || isRefusal {
			t.Errorf("%q in %q: %v", test.operation, test.state, err)
		}
	}
}
