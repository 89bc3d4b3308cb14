package service

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/space"
)

// Operations that use the reserve exist, change records, and are documented.
func TestUsesReserve(t *testing.T) {
	words, all := regexp.MustCompile(`\w+`).FindAllString(readAll(t, "../../docs/full-disk.md"), -1), operations(true)
	for _, name := range usesReserve {
		if o, ok := all[name]; !ok || o.ReadOnly || !o.usesReserve {
			t.Errorf("%s: not served, or it changes nothing", name)
		}
		if !slices.Contains(words, name) {
			t.Errorf("%s: not in docs/full-disk.md", name)
		}
	}
}

// Strangers cannot use the reserve: on a full disk their requests are counted, and reported when
// there is space.
func TestStrangersOnAFullDisk(t *testing.T) {
	o := newExplainTest(t)
	free := o.full
	o.full = func() error { return space.ErrFull }
	for range 3 {
		o.RecordBadSignature(BadSignature{SourceIP: "192.0.2.1", Reason: key.Errorf(key.KindUnrecognizedClient, "unknown")})
	}
	o.reportStrangers(time.Now().Add(reportEvery))
	if all := o.events(); len(all) != 0 {
		t.Errorf("events on a full disk: %+v", all)
	}
	o.full = free
	o.reportStrangers(time.Now().Add(reportEvery))
	all := o.events()
	if len(all) != 1 || all[0].EventName != "RefusedRequests" || all[0].ServiceEventDetails["requests"] != 3.0 {
		t.Errorf("with space again: %+v", all)
	}
}
