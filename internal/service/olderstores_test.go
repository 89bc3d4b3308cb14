package service_test

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/service"
)

// A logEnd makes the end of a log. Garbage is an end that no program writes.
type logEnd struct {
	name    string
	garbage bool
	text    func(random *rand.Rand) string
}

var logEnds = []logEnd{
	{"nothing", false, func(*rand.Rand) string { return "" }},
	{"a long line", false, func(r *rand.Rand) string { return eventLine(0, 1<<20+r.IntN(2<<20)) }},
	{"a long line with an older stamp", false, func(r *rand.Rand) string { return eventLine(1+r.IntN(2), 1<<20+r.IntN(2<<20)) }},
	{"long lines", false, func(r *rand.Rand) string { return strings.Repeat(eventLine(0, 1<<20+r.IntN(1<<20)), 3) }},
	{"many lines without stamps", false, func(r *rand.Rand) string { return strings.Repeat(eventLine(0, 500+r.IntN(1000)), 3000) }},
	{"many lines with older stamps", false, func(r *rand.Rand) string { return strings.Repeat(eventLine(1, 300), r.IntN(900)) }},
	{"half a line", false, func(r *rand.Rand) string { return eventLine(0, 500)[:1+r.IntN(400)] }},
	{"half a long line", false, func(r *rand.Rand) string { return eventLine(0, 4<<20)[:3<<20] }},
	{"zeros", false, func(r *rand.Rand) string { return strings.Repeat("\x00", 1+r.IntN(8<<10)) }},
	{"a line of garbage", true, func(r *rand.Rand) string { return strings.Repeat("x", r.IntN(3<<20)) + "\n" }},
	{"garbage and events", true, func(r *rand.Rand) string { return "\xff\n" + strings.Repeat(eventLine(1, 300), r.IntN(900)) }},
	{"an event with a flipped bit", true, func(r *rand.Rand) string {
		line := []byte(eventLine(0, 500))
		line[0] ^= 1 << r.IntN(7)
		return string(line)
	}},
}

// eventLine returns a line of about the given size, with a stamp if revision is not 0.
func eventLine(revision, size int) string {
	e := audit.Event{EventID: "generated"}
	line, err := e.Line()
	if err != nil {
		panic(err)
	}
	if revision != 0 {
		line = audit.Stamp(line, int64(revision))
	}
	return strings.Replace(string(line), `"userAgent":""`, `"userAgent":"`+strings.Repeat("x", max(0, size-len(line)))+`"`, 1)
}

// A store that is older than its log is refused, whatever the end of the log: because it is
// older, or because the end of the log cannot be read. KEYHOLD_OLDER is the number of ends.
func TestOlderStoresAreRefused(t *testing.T) {
	tries, err := strconv.Atoi(os.Getenv("KEYHOLD_OLDER"))
	if err != nil {
		tries = 4 * len(logEnds)
	}
	d, path := newDeployment(), filepath.Join(t.TempDir(), "audit.log")
	log := openLog(t, path)
	s := d.open(t, log)
	for range 3 {
		must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{}))
	}
	if err := errors.Join(log.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	log = openLog(t, path)
	revision := int(log.Revision()) + 10 + 2*tries // the store was closed after the last event, and each start commits
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	// Lines of the test have no chain, as in the logs of older versions, so no line may have one.
	whole := regexp.MustCompile(`,"chain":"[^"]*"`).ReplaceAllString(string(must[[]byte](t)(os.ReadFile(path))), "")
	reopen := func(text string) error {
		if err := errors.Join(os.RemoveAll(audit.FolderOf(path)), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		log, err := audit.Open(path, audit.Options{})
		if err != nil {
			return err
		}
		s, err := service.Open(t.Context(), service.Config{
			Backend: d.backend, Slots: d.slots, Root: d.root, Audit: log, Clock: service.NewClock(time.Now), Log: slog.New(slog.DiscardHandler),
		})
		if err == nil {
			s.Close()
		}
		return errors.Join(err, log.Close())
	}
	random := rand.New(rand.NewPCG(1, uint64(tries)))
	refused := 0
	for i := range tries {
		end := logEnds[i%len(logEnds)]
		text := end.text(random)
		newer := strings.Repeat(eventLine(revision+random.IntN(100), 300), 1+random.IntN(3))
		err := reopen(whole + newer + text)
		if older := errors.Is(err, journal.ErrOlderStore); !older && !errors.Is(err, audit.ErrUnreadable) || !older && !end.garbage {
			t.Errorf("%s: %v", end.name, err)
			continue
		}
		refused++
		// The same end after a log that is not newer than the store.
		if err := reopen(whole + text); errors.Is(err, audit.ErrUnreadable) != end.garbage || !end.garbage && err != nil {
			t.Errorf("%s, and nothing newer: %v", end.name, err)
		}
	}
	t.Logf("%d of %d older stores were refused", refused, tries)
}

// Events without a stamp prove nothing.
func TestLogWithoutStampsIsRefused(t *testing.T) {
	d := newDeployment()
	s := d.open(t, audit.New(audit.Discard{}, audit.Options{}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]error{"": nil, eventLine(0, 300): journal.ErrNoRevision, eventLine(1, 300): nil} {
		// A log of its own: an opened log has a checkpoint, and lines that replace the lines of a checkpoint are refused.
		path := filepath.Join(t.TempDir(), "audit.log")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		log := openLog(t, path)
		s, err := service.Open(t.Context(), service.Config{
			Backend: d.backend, Slots: d.slots, Root: d.root, Audit: log, Clock: service.NewClock(time.Now), Log: slog.New(slog.DiscardHandler),
		})
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
		if err == nil {
			s.Close()
		}
		log.Close()
	}
}
