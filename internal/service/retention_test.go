package service_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/service"
)

// Old events are deleted, with an event, when the second device has them, or when the wait for the device has ended.
func TestOldEventsWaitForTheSecondDevice(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "audit.log")
		log := must[*audit.Log](t)(audit.Open(path, audit.Options{SegmentBytes: 1, CheckpointEvery: time.Hour}))
		var confirmed atomic.Int64
		var full atomic.Bool
		d := newDeployment()
		s := must[*service.Service](t)(service.Open(t.Context(), service.Config{
			Backend: d.backend, Slots: d.slots, Root: d.root, Audit: log, Clock: service.NewClock(time.Now),
			Log: slog.New(slog.DiscardHandler), Create: true, AuditKeep: 2 * day,
			AuditNeeded: func() (int64, bool) { return confirmed.Load(), !full.Load() },
		}))
		for range 5 {
			must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{}))
			time.Sleep(5 * time.Second) // closes the segment
		}
		folder := log.Reader()
		count := folder.Size()
		begins := func(what string, min, max int64) {
			t.Helper()
			synctest.Wait()
			if first := folder.First(); first < min || first > max {
				t.Errorf("%s: the log begins with line %d of %d", what, first, count)
			}
		}
		time.Sleep(day)
		begins("young", 0, 0)
		time.Sleep(2 * day)
		begins("the device has nothing", 0, 0)
		confirmed.Store(2)
		time.Sleep(time.Minute)
		begins("the device has two lines", 1, 2)
		full.Store(true)
		time.Sleep(time.Minute)
		begins("the disk is full", 3, count)
		full.Store(false)
		confirmed.Store(1 << 40)
		time.Sleep(2 * time.Hour)
		begins("the device has all lines", 4, count)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
		var missed int
		for line, err := range folder.Lines(t.Context(), folder.First()) {
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(line), audit.DeleteSegments) && strings.Contains(string(line), `"notForwarded":`) {
				missed++
			}
		}
		if missed != 1 {
			t.Errorf("%d events of a deletion of lines that the device does not have", missed)
		}
	})
}
