package service

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A migrationTest is a deployment whose records have format 1.
type migrationTest struct {
	*testing.T
	backend store.Backend
	root    seal.Root
	slots   *memory.Slots
	log     bytes.Buffer // of the operator
	events  audit.File   // or nil
	audit   *audit.Log   // of the last start
}

// oldGrants is more than a page of a migration. Each grant has a grantee of its own.
const oldGrants = 2*migrationPage + 7

func newMigrationTest(t *testing.T) *migrationTest {
	t.Helper()
	m := &migrationTest{T: t, backend: memory.New(), root: seal.NewEphemeralRoot(), slots: memory.NewSlots()}
	s, err := m.open(m.backend, true)
	m.must(err)
	_, _, err = s.Initialise(t.Context(), homeAccount)
	m.must(err)
	k := createKeyForTest(t, s)
	for i := range oldGrants {
		g := key.Grant{
			ID: newGrantID(), Account: k.Account, Region: k.Region, KeyID: k.ID, IssuingAccount: k.Account,
			Grantee: key.Principal(fmt.Sprintf("%s%d", testApp, i)), Operations: []string{"Decrypt"},
			Constraints: key.GrantConstraints{ContextSubset: map[string]string{"n": fmt.Sprint(i)}},
		}
		m.must(s.store.Update(t.Context(), func(tx *store.Tx) error { return records.InsertGrant(tx, g) }))
	}
	m.must(errors.Join(m.audit.Close(), s.Close())) // so that no event is left in the outbox
	m.removeAll("grant-match/", "grant-shapes/", "format/")
	m.log.Reset()
	return m
}

func (m *migrationTest) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *migrationTest) open(b store.Backend, create bool) (*Service, error) {
	m.audit = audit.New(cmp.Or[audit.File](m.events, audit.Discard{}), audit.Options{})
	m.Cleanup(func() { m.audit.Close() })
	return Open(m.Context(), Config{
		Backend: b, Slots: m.slots, Root: m.root, Audit: m.audit, Clock: NewClock(time.Now),
		Log: slog.New(slog.NewTextHandler(&m.log, nil)), Create: create,
	})
}

// items returns all records as they are stored.
func (m *migrationTest) items() (all []store.Item) {
	m.Helper()
	m.must(m.backend.View(m.Context(), func(r store.Reader) (err error) {
		all, err = r.Scan(nil, nil, 1<<20)
		return err
	}))
	return all
}

func (m *migrationTest) removeAll(prefixes ...string) {
	m.Helper()
	for _, item := range m.items() {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(string(item.Key), p) }) {
			_, err := m.backend.Commit(m.Context(), store.Batch{Writes: []store.Write{{Key: item.Key}}})
			m.must(err)
		}
	}
}

// wantMigrated checks that the records are sound and in the newest format.
func (m *migrationTest) wantMigrated() {
	m.Helper()
	var findings []string
	s, err := integrity.Verify(m.Context(), integrity.Remains{Backend: m.backend, Slots: m.slots, Root: m.root, Log: emptyLog()}, func(f integrity.Finding) { findings = append(findings, f.String()) })
	m.must(err)
	if len(findings) > 0 || len(s.Notes) > 0 || s.Records["grant-match"] != oldGrants || s.Records["grant-shapes"] != oldGrants || s.Records["format"] != 1 {
		m.Errorf("%v, %v, %q", s.Records, s.Notes, findings)
	}
}

// A migration that is killed at any page continues at the next start.
func TestMigrationIsResumed(t *testing.T) {
	for _, persist := range []bool{false, true} {
		kills := 0
		for left := 0; ; left++ {
			m := newMigrationTest(t)
			s, err := m.open(&storetest.Killed{Backend: m.backend, Left: left, Persist: persist}, false)
			if err == nil {
				m.must(s.Close())
				break
			}
			if kills++; !errors.Is(err, storetest.ErrKilled) {
				t.Fatal(err)
			}
			s, err = m.open(m.backend, false)
			m.must(err)
			m.must(s.Close())
			m.wantMigrated()
		}
		if kills < 4 { // three pages, and the end
			t.Errorf("%d kills", kills)
		}
	}
}

// format returns the format of the records.
func (m *migrationTest) format() (f records.Format) {
	m.Helper()
	keyring, err := records.OpenKeyring(m.Context(), m.backend, m.root, false)
	m.must(err)
	m.must(store.New(m.backend, keyring.Records()).View(m.Context(), func(v *store.View) (err error) {
		f, err = records.ReadFormat(v)
		return err
	}))
	return f
}

// A migration that is killed after each page completes nevertheless.
func TestMigrationIsKilledAgainAndAgain(t *testing.T) {
	m := newMigrationTest(t)
	starts := 0
	for ; m.format().Format != records.NewestFormat && starts < 100; starts++ {
		if _, err := m.open(&storetest.Killed{Backend: m.backend, Persist: true}, false); !errors.Is(err, storetest.ErrKilled) {
			t.Fatalf("start %d was not killed: %v", starts, err)
		}
	}
	// The first migration has three pages and an end, the second a page and an end, the others an end or more.
	if m.wantMigrated(); starts < 4+2+len(migrations(""))-2 || starts == 100 {
		t.Errorf("%d starts", starts)
	}
	log := m.log.String()
	if !strings.Contains(log, "resumed=false") || !strings.Contains(log, "resumed=true") {
		t.Error(log)
	}
}

// Events that wait in the outbox get the only node, or the node that starts, and come into the log once, wherever
// the migration is killed.
func TestMigrationGivesEventsToTheNode(t *testing.T) {
	const events = 2*migrationPage + 7
	for _, persist := range []bool{false, true} {
		killed := true
		for left := 0; killed; left++ {
			m := newMigrationTest(t)
			s, err := m.open(m.backend, false)
			m.must(err)
			m.must(s.store.Update(t.Context(), func(tx *store.Tx) error {
				return records.Formats.Put(tx, records.FormatPath, records.Format{Format: 3})
			}))
			for range events {
				e := audit.Event{EventID: uuid.NewString()}
				line, err := e.Line()
				m.must(err)
				m.must(s.store.Update(t.Context(), func(tx *store.Tx) error {
					return records.Outbox.Put(tx, e.EventID, records.PendingEvent{Line: line})
				}))
			}
			m.must(s.Close())
			m.removeAll("sole-node/", "fence/")
			before, log := &countedEvents{ids: map[string]bool{}}, &countedEvents{ids: map[string]bool{}}
			m.events = before
			s, err = m.open(&storetest.Killed{Backend: m.backend, Left: left, Persist: persist}, false)
			m.audit.Close()
			if err == nil {
				killed = false
				s.Close() // its commits fail
			} else if !errors.Is(err, storetest.ErrKilled) {
				t.Fatal(err)
			}
			m.events = log
			s, err = m.open(m.backend, false)
			m.must(err)
			m.must(errors.Join(m.audit.Close(), s.Close()))
			m.wantMigrated()
			if log.lines != len(log.ids) {
				t.Errorf("killed after %d commits: the log has %d lines of %d events", left, log.lines, len(log.ids))
			}
			for id := range before.ids { // the killed process may have removed what its log had
				log.ids[id] = true
			}
			if len(log.ids) != events {
				t.Errorf("killed after %d commits: the logs have %d events, want %d", left, len(log.ids), events)
			}
			for _, item := range m.items() {
				if strings.HasPrefix(string(item.Key), "outbox/") {
					t.Fatalf("killed after %d commits: %s is left", left, item.Key)
				}
			}
		}
	}
}

// countedEvents are the events of an audit log.
type countedEvents struct {
	audit.Discard
	lines int
	ids   map[string]bool
}

func (c *countedEvents) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		id, err := audit.ID(line)
		if err != nil {
			return 0, err
		}
		c.ids[id] = true
		c.lines++
	}
	return len(p), nil
}

// A migration is carried out once, and the log says so. A new deployment needs none.
func TestMigrationHappensOnce(t *testing.T) {
	m := newMigrationTest(t)
	for _, want := range []int{1, 0} {
		m.log.Reset()
		s, err := m.open(m.backend, false)
		m.must(err)
		m.must(s.Close())
		if n := strings.Count(m.log.String(), fmt.Sprintf("the records have the newer format\" from=1 to=2 records=%d", oldGrants)); n != want {
			t.Errorf("told %d times, want %d:\n%s", n, want, m.log.String())
		}
		m.wantMigrated()
	}
	m.backend = memory.New()
	m.log.Reset()
	s, err := m.open(m.backend, true)
	m.must(err)
	m.must(s.Close())
	if m.log.Len() > 0 {
		t.Error(m.log.String())
	}
}

// A second migration, for example after the loss of the format record, changes nothing.
func TestMigrationIsIdempotent(t *testing.T) {
	m := newMigrationTest(t)
	for range 2 {
		m.removeAll("format/")
		s, err := m.open(m.backend, false)
		m.must(err)
		m.must(s.Close())
		m.wantMigrated()
	}
}

// A page that another process has already migrated is not written.
func TestMigrationByTwoProcesses(t *testing.T) {
	m := newMigrationTest(t)
	s, err := m.open(m.backend, false)
	m.must(err)
	before := m.items()
	if _, _, err := s.migratePage(t.Context(), migrations("")[0], records.Format{Format: 1}, migrationPage); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Error(err)
	}
	if len(before) != len(m.items()) {
		t.Error("something was written")
	}
	m.must(s.Close())
	m.wantMigrated()
}

// A principal with grants of more shapes than the limit keeps them, and gets no new shape.
func TestMigrationKeepsAllShapes(t *testing.T) {
	l := newLookupTest(t)
	var all []key.Grant
	for i := range records.MaxGrantShapes + 5 {
		g := key.Grant{ID: newGrantID(), Account: l.key.Account, Region: l.key.Region, KeyID: l.key.ID, Grantee: testAlice, Operations: []string{"Decrypt"}}
		g.Constraints.ContextSubset = map[string]string{fmt.Sprint(i): "x"}
		all = append(all, g)
	}
	l.check(l.store.Update(t.Context(), func(tx *store.Tx) error {
		problems := []error{records.GrantGuards.Put(tx, records.PathOf(l.key), records.GrantGuard{Count: len(all)}), records.Formats.Delete(tx, records.FormatPath)}
		for _, g := range all {
			problems = append(problems, records.Grants.Put(tx, records.GrantPath(g), g), records.GrantsOfGrantee.Put(tx, records.GrantOfGranteePath(g), struct{}{}))
		}
		return errors.Join(problems...)
	}))
	l.check(l.migrate(t.Context(), migrations("")))
	for _, g := range all {
		if !l.isAllowed(l.ask("Decrypt", &api.DecryptRequest{KeyId: &l.key.ID, EncryptionContext: g.Constraints.ContextSubset})) {
			t.Errorf("%v allows nothing any more", g.Constraints)
		}
	}
	added := all[0]
	added.ID, added.Constraints = newGrantID(), key.GrantConstraints{}
	err := l.store.Update(t.Context(), func(tx *store.Tx) error { return records.InsertGrant(tx, added) })
	if e, ok := err.(*key.Error); !ok || e.Kind != key.KindLimitExceeded {
		t.Errorf("%v", err)
	}
}

// Records of a newer version are refused with their version, and are not changed.
func TestNewerFormatIsRefused(t *testing.T) {
	m := newMigrationTest(t)
	keyring, err := records.OpenKeyring(t.Context(), m.backend, m.root, false)
	m.must(err)
	for _, f := range []records.Format{{Format: records.NewestFormat + 1}, {Format: records.NewestFormat, To: records.NewestFormat + 1, After: "x"}} {
		m.must(store.New(m.backend, keyring.Records()).Update(t.Context(), func(tx *store.Tx) error { return records.Formats.Put(tx, records.FormatPath, f) }))
		before := m.items()
		_, err = m.open(m.backend, false)
		_, verified := integrity.Verify(t.Context(), integrity.Remains{Backend: m.backend, Slots: m.slots, Root: m.root, Log: emptyLog()}, func(integrity.Finding) {})
		for _, err := range []error{err, verified} {
			if !errors.Is(err, records.ErrNewerFormat) || !strings.Contains(err.Error(), fmt.Sprintf("made by a newer version of the program: format %d", records.NewestFormat+1)) {
				t.Errorf("%+v: %v", f, err)
			}
		}
		if !slices.EqualFunc(before, m.items(), func(a, b store.Item) bool {
			return a.Rev == b.Rev && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
		}) {
			t.Error("something was changed")
		}
	}
}

// The migrations lead from the first format to the newest.
func TestMigrationsAreInOrder(t *testing.T) {
	at := 1
	for _, m := range migrations("") {
		if m.from != at || m.to != at+1 || m.what == "" {
			t.Errorf("%+v", m)
		}
		at = m.to
	}
	if at != records.NewestFormat {
		t.Errorf("they lead to %d, not to %d", at, records.NewestFormat)
	}
}

func emptyLog() *io.SectionReader { return io.NewSectionReader(strings.NewReader(""), 0, 0) }
