package main

import (
	"errors"
	mathrand "math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/programtest"
)

// TestLinearizableKills kills keyhold serve repeatedly under a load of all operations that change
// keys. All responses, before a kill and after it, must fit an order of single operations.
// Acknowledged changes must be there after the next start, and be in the audit log once. No change
// may be half done. KEYHOLD_KILLS is the number of kills. With manyKills or more, the segments of the audit log
// are small, so that kills meet every step of the log, and the folder is verified after each kill: keyhold verify and
// keyhold audit verify find nothing.
func TestLinearizableKills(t *testing.T) {
	t.Parallel()
	kills, begun := fromEnv("KEYHOLD_KILLS", 10), time.Now()
	const manyKills = 50
	program := buildProgram(t)
	if kills >= manyKills {
		program = programtest.Build(t, ".", ".", "-tags", "smallsegments")
	}
	l := newFaultLoad(initFolder(t, program, filepath.Join(t.TempDir(), "data")), 6)
	var left auditLeft
	server := l.start(t)
	for range kills {
		window := time.Duration(20+mathrand.IntN(100)) * time.Millisecond // the kill may come at any moment
		l.run(t, server, func() { time.Sleep(window); server.end(syscall.SIGKILL) })
		if kills >= manyKills {
			_, unsound := l.folder.verify(t.Context())
			if err := errors.Join(unsound, l.folder.verifyLog(t.Context()), left.add(l.audit.path)); err != nil {
				t.Error(err)
			}
		}
		server = l.start(t)
		l.inspect(t, server)
		if t.Failed() {
			t.FailNow()
		}
	}
	l.finish(t, server)
	t.Logf("%d kills in %.0f s: %d operations, %d acknowledged changes, %d under way at a kill, %d of them took effect; %d keys; the slowest start took %v; 0 lost, 0 half done, 0 not linearizable",
		kills, time.Since(begun).Seconds(), l.operations, len(l.acknowledged), l.open, len(l.audit.times)-len(l.acknowledged), len(l.retired), l.slowest.Round(time.Millisecond))
	if kills >= manyKills {
		t.Logf("%s; keyhold verify and keyhold audit verify found nothing after each kill", &left)
	}
	if kills >= manyKills && !left.hasAll() {
		t.Error("the kills did not meet all steps of the audit log: the test tested nothing")
	}
	if len(l.acknowledged) < 5*kills || l.open < kills/2 {
		t.Error("hardly any change was acknowledged: the test tested nothing")
	}
}
