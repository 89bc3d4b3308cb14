package service

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// A dry run of a request that would succeed changes nothing, for each operation that has dry runs. It returns nothing
// but its error, except for administrators: they see what would change.
func TestEachDryRun(t *testing.T) {
	without := map[string]bool{}
	for name, o := range operations(true) {
		if reflect.ValueOf(o.NewInput()).Elem().FieldByName("DryRun").IsValid() {
			without[name] = true
		}
	}
	if len(without) < 15 {
		t.Fatalf("only %d operations have dry runs", len(without))
	}
	for _, r := range slices.Concat(changingRequests(), readingRequests(), requestsOfOtherSpecs()) {
		c, d := newInterruptibleTest(t)
		a, operation, on, members := r.prepare(c)
		op, _ := c.Find(operation)
		if !reflect.ValueOf(op.NewInput()).Elem().FieldByName("DryRun").IsValid() {
			continue
		}
		delete(without, operation)
		before := dump(t, d)
		members = append(slices.Clone(members), `{"DryRun":true}`)
		out, err := a.try(operation, on, members...)
		e, ok := errors.AsType[*key.Error](err)
		if refused := ok && e.Kind == key.KindDryRunOperation && (out == nil || reflect.ValueOf(out).IsNil()); refused != (op.Target == api.TargetKMS) {
			t.Errorf("%s: %v, %v", r.name, out, err)
		}
		if after := dump(t, d); !reflect.DeepEqual(before, after) {
			t.Errorf("%s: a dry run changed records", r.name)
		}
	}
	for name := range without {
		t.Errorf("%s has dry runs, which no request here tries", name)
	}
}
