package cluster

import (
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// The model of a scenario accepts what nodes may answer, and nothing else.
func TestChaosModel(t *testing.T) {
	op := func(operation, answer string, call, end int64) porcupine.Operation {
		return porcupine.Operation{Input: request{operation, "", operation + "-" + answer}, Output: answer, Call: call, Return: end}
	}
	for name, test := range map[string]struct {
		want    porcupine.CheckResult
		history []porcupine.Operation
	}{
		"a use before the acknowledgement": {porcupine.Ok, []porcupine.Operation{
			op("DisableKey", answerMade, 1, 6), op("Encrypt", answerMade, 2, 3), op("Encrypt", "DisabledException", 4, 5)}},
		"a use after a refusal": {porcupine.Illegal, []porcupine.Operation{
			op("DisableKey", answerMade, 1, 6), op("Encrypt", "DisabledException", 2, 3), op("Encrypt", answerMade, 4, 5)}},
		"a use after the acknowledgement": {porcupine.Illegal, []porcupine.Operation{
			op("DisableKey", answerMade, 1, 2), op("Encrypt", answerMade, 3, 4)}},
		"a use after an unknown change": {porcupine.Ok, []porcupine.Operation{
			op("DisableKey", answerUnknown, 1, math.MaxInt64), op("Encrypt", answerMade, 3, 4), op("Encrypt", "DisabledException", 5, 6)}},
		"a change that is lost": {porcupine.Illegal, []porcupine.Operation{
			op("DisableKey", answerMade, 1, 2), op("DescribeKey", "Enabled", 3, 4)}},
		"a rotation that is made twice": {porcupine.Illegal, []porcupine.Operation{
			op("RotateKeyOnDemand", answerMade, 1, 2), op("ListKeyRotations", "2", 3, 4)}},
		"a rotation of unknown outcome that is made twice": {porcupine.Illegal, []porcupine.Operation{
			op("RotateKeyOnDemand", answerUnknown, 1, math.MaxInt64), op("ListKeyRotations", "2", 3, 4)}},
		"a change that was not made": {porcupine.Illegal, []porcupine.Operation{
			op("RotateKeyOnDemand", answerNotMade, 1, 2), op("ListKeyRotations", "1", 3, 4)}},
		"a refusal without a reason": {porcupine.Illegal, []porcupine.Operation{op("Encrypt", "DisabledException", 1, 2)}},
		"another answer":             {porcupine.Illegal, []porcupine.Operation{op("Encrypt", "NotFoundException", 1, 2)}},
	} {
		o := &chaosObject{object: &policedKey{}, initial: policedState{}, history: test.history}
		if got := porcupine.CheckOperations(o.model(), o.operationsOf()); got != (test.want == porcupine.Ok) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
