package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// A faultOp is an operation on a key, with all that its answer depends on besides the state.
type faultOp struct{ name, alias string }

func (o faultOp) reads() bool {
	return slices.Contains([]string{"DescribeKey", "ListAliases", "Encrypt", "Decrypt"}, o.name)
}

// The answer of an operation is the name of an error, the value that was read, or one of these.
const (
	answerOK       = "ok"
	answerUnknown  = "no answer" // or a status of 500 or higher: the operation may have taken effect
	answerThrottle = "ThrottlingException"
)

// A faultState is the state of a key in the model. The zero value is a key that does not exist yet.
type faultState struct {
	state    string
	material bool
	aliases  string // in order, each followed by a comma
}

// after is the model: the answer of an operation in the state, and the state afterwards. It follows
// the state grid of the documentation.
func (s faultState) after(op faultOp) (answer string, _ faultState) {
	const invalid = "KMSInvalidStateException"
	usable := s.state == "Enabled" || s.state == "Disabled"
	switch {
	case op.name == "CreateKey" && s.state == "":
		return answerOK, faultState{state: "PendingImport"}
	case s.state == "":
		return "NotFoundException", s
	case op.name == "DescribeKey":
		return s.describe(), s
	case op.name == "ListAliases":
		return s.aliases, s
	case op.name == "CancelKeyDeletion":
		if s.state != "PendingDeletion" {
			return invalid, s
		}
		if s.state = "Disabled"; !s.material {
			s.state = "PendingImport"
		}
	case op.name == "DeleteImportedKeyMaterial":
		if s.material = false; usable {
			s.state = "PendingImport"
		}
	case s.state == "PendingDeletion":
		return invalid, s
	case op.name == "ImportKeyMaterial":
		if s.material = true; s.state == "PendingImport" {
			s.state = "Enabled"
		}
	case op.name == "ScheduleKeyDeletion":
		s.state = "PendingDeletion"
	case op.name == "CreateAlias":
		if strings.Contains(","+s.aliases, ","+op.alias+",") {
			return "AlreadyExistsException", s
		}
		s.aliases = withAlias(s.aliases, op.alias)
	case s.state == "PendingImport":
		return invalid, s
	case op.name == "DisableKey":
		s.state = "Disabled"
	case op.name == "EnableKey":
		s.state = "Enabled"
	case s.state == "Disabled": // Encrypt, Decrypt
		return "DisabledException", s
	}
	return answerOK, s
}

func (s faultState) describe() string {
	if s.material {
		return s.state + " with material"
	}
	return s.state
}

func withAlias(aliases, alias string) string {
	all := append(strings.FieldsFunc(aliases, func(r rune) bool { return r == ',' }), alias)
	slices.Sort(all)
	return strings.Join(all, ",") + ","
}

// keyModel is the model of one key for the checker, from an initial state.
func keyModel(initial faultState) porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{initial} },
		Step: func(state, input, output any) []any {
			s := state.(faultState)
			answer, next := s.after(input.(faultOp))
			switch output {
			case answerUnknown:
				return []any{s, next}
			case answerThrottle:
				return []any{s}
			case answer:
				return []any{next}
			}
			return nil
		},
	}
	return model.ToModel()
}

// linearizable reports whether the history can come from operations one after another, each at a
// moment between its request and its response. It is false if the checker takes too long.
func linearizable(initial faultState, history []porcupine.Operation) bool {
	return porcupine.CheckOperationsTimeout(keyModel(initial), history, time.Minute) == porcupine.Ok
}

// TestFaultModel shows sound and unsound histories to the checker.
func TestFaultModel(t *testing.T) {
	op := func(call, end int64, name, answer string) porcupine.Operation {
		name, alias, _ := strings.Cut(name, " ")
		return porcupine.Operation{Input: faultOp{name, alias}, Output: answer, Call: call, Return: end}
	}
	enabled := faultState{state: "Enabled", material: true}
	for _, c := range []struct {
		name    string
		sound   bool
		history []porcupine.Operation
	}{
		{"in order", true, []porcupine.Operation{op(1, 2, "DisableKey", answerOK), op(3, 4, "Decrypt", "DisabledException")}},
		{"a lost write", false, []porcupine.Operation{op(1, 2, "DisableKey", answerOK), op(3, 4, "Decrypt", answerOK)}},
		{"at the same time, before", true, []porcupine.Operation{op(1, 5, "DisableKey", answerOK), op(2, 4, "Decrypt", answerOK)}},
		{"at the same time, after", true, []porcupine.Operation{op(1, 5, "DisableKey", answerOK), op(2, 4, "Decrypt", "DisabledException")}},
		{"seen and then not", false, []porcupine.Operation{op(1, 9, "DisableKey", answerOK), op(2, 4, "Decrypt", "DisabledException"), op(5, 6, "Decrypt", answerOK)}},
		{"unknown, happened", true, []porcupine.Operation{op(1, 5, "DeleteImportedKeyMaterial", answerUnknown), op(6, 7, "DescribeKey", "PendingImport")}},
		{"unknown, did not happen", true, []porcupine.Operation{op(1, 5, "DeleteImportedKeyMaterial", answerUnknown), op(6, 7, "DescribeKey", "Enabled with material")}},
		{"unknown, half done", false, []porcupine.Operation{op(1, 5, "DeleteImportedKeyMaterial", answerUnknown), op(6, 7, "DescribeKey", "PendingImport"), op(8, 9, "Decrypt", answerOK)}},
		{"unknown, later than it could", false, []porcupine.Operation{op(1, 5, "DisableKey", answerUnknown), op(6, 7, "Decrypt", answerOK), op(8, 9, "Decrypt", "DisabledException")}},
		{"unknown, twice", false, []porcupine.Operation{op(1, math.MaxInt64, "DisableKey", answerUnknown), op(2, 3, "Decrypt", "DisabledException"), op(4, 5, "EnableKey", answerOK), op(6, 7, "Decrypt", "DisabledException")}},
		{"a lost alias", false, []porcupine.Operation{op(1, 2, "CreateAlias b", answerOK), op(3, 4, "CreateAlias a", answerOK), op(5, 6, "ListAliases", "a,")}},
		{"aliases", true, []porcupine.Operation{op(1, 2, "CreateAlias b", answerOK), op(3, 4, "CreateAlias a", answerOK), op(5, 6, "ListAliases", "a,b,"), op(7, 8, "CreateAlias a", "AlreadyExistsException")}},
		{"a plaintext that is another", false, []porcupine.Operation{op(1, 2, "Decrypt", "another plaintext")}},
		{"material that outlives its deletion", false, []porcupine.Operation{op(1, 2, "ScheduleKeyDeletion", answerOK), op(3, 4, "DeleteImportedKeyMaterial", answerOK), op(5, 6, "CancelKeyDeletion", answerOK), op(7, 8, "EnableKey", answerOK)}},
		{"a throttled change that happened", false, []porcupine.Operation{op(1, 2, "DisableKey", answerThrottle), op(3, 4, "Decrypt", "DisabledException")}},
	} {
		if linearizable(enabled, c.history) != c.sound {
			t.Errorf("%s: want %v", c.name, c.sound)
		}
	}
}
