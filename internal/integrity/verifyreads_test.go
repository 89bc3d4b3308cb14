package integrity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// An unreadableBackend fails at the read with the number at, and at later reads of the same records.
type unreadableBackend struct {
	store.Backend
	at, reads int
	broken    []string
}

var errUnreadable = errors.New("the disk does not answer")

func (b *unreadableBackend) read(paths ...string) error {
	if b.reads++; b.reads == b.at {
		b.broken = paths
	}
	if slices.ContainsFunc(paths, func(p string) bool { return slices.Contains(b.broken, p) }) {
		return errUnreadable
	}
	return nil
}

func (b *unreadableBackend) View(ctx context.Context, fn func(store.Reader) error) error {
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(unreadableReader{r, b}) })
}

type unreadableReader struct {
	store.Reader
	b *unreadableBackend
}

func (r unreadableReader) Get(keys ...[]byte) ([]store.Item, error) {
	var paths []string
	for _, k := range keys {
		paths = append(paths, string(k))
	}
	if err := r.b.read(paths...); err != nil {
		return nil, err
	}
	return r.Reader.Get(keys...)
}

func (r unreadableReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	if err := r.b.read(string(from) + " to " + string(to)); err != nil {
		return nil, err
	}
	return r.Reader.Scan(from, to, limit)
}

// Verify fails if any read fails, and reports no finding because of the failure. Otherwise it would call a deployment
// that it could not read sound, or damaged.
func TestVerifyFailsWithItsReads(t *testing.T) {
	w, _, _ := withGrants(t)
	w.declare(func(*identity.User) {})
	for at := 1; ; at++ {
		b := &unreadableBackend{Backend: w.backend, at: at}
		var findings []string
		_, err := Verify(t.Context(), Remains{Backend: b, Slots: w.slots, Root: w.root, Log: noLog()}, func(f Finding) { findings = append(findings, f.String()) })
		if b.reads < at {
			if err != nil || len(findings) > 0 || at < 50 {
				t.Errorf("%v, %q after %d reads", err, findings, b.reads)
			}
			return
		}
		if !errors.Is(err, errUnreadable) {
			t.Errorf("without %v: %v, %q", b.broken, err, findings)
		}
	}
}

// The notes about one thing of each kind.
func TestNotesOfVerify(t *testing.T) {
	note := func(w *damageTest, want ...string) {
		t.Helper()
		findings, s, err := w.verify()
		if err != nil || len(findings) > 0 || !slices.Equal(s.Notes, want) {
			t.Errorf("notes %q, findings %q, %v, want %q", s.Notes, findings, err, want)
		}
	}
	w := newDamageTest(t)
	_, err := w.slots.Put(t.Context(), make([]byte, store.SlotSize))
	w.must(err)
	note(w, "1 slots are in use that no record names: a crash leaves some, and the server erases them within a day")

	w = newDamageTest(t)
	w.appendToLog("{")
	note(w, "1 bytes at the end of the audit log were torn: the next start removes them")

	w, _, _ = withGrants(t)
	newest := fmt.Sprint(records.NewestFormat)
	w.alter("format/records", remove)
	note(w, "the records have format 1: the next start brings them to format "+newest)
	for format := 1; format < records.NewestFormat; format++ {
		w.update(func(tx *store.Tx) error {
			return records.Formats.Put(tx, records.FormatPath, records.Format{Format: format})
		})
		note(w, fmt.Sprintf("the records have format %d: the next start brings them to format %s", format, newest))
	}
	w.update(func(tx *store.Tx) error {
		return records.Formats.Put(tx, records.FormatPath, records.Format{Format: records.NewestFormat})
	})
	note(w)
	w.update(func(tx *store.Tx) error {
		return records.Formats.Put(tx, records.FormatPath, records.Format{Format: records.NewestFormat + 1})
	})
	if _, _, err := w.verify(); !errors.Is(err, records.ErrNewerFormat) {
		t.Errorf("a newer format: %v", err)
	}
}

// A log that has one event without a revision shows nothing about the age of the store.
func TestVerifyNeedsRevisions(t *testing.T) {
	w := newDamageTest(t)
	for text, want := range map[string][]string{
		"":                       nil,
		`{"eventID":"x"}` + "\n": {"audit log: no event in the audit log has a storeRevision, so nothing shows how old the store may be"},
	} {
		var findings []string
		s, err := Verify(t.Context(), Remains{Backend: w.backend, Slots: w.slots, Root: w.root, Log: io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))},
			func(f Finding) { findings = append(findings, f.String()) })
		if err != nil || !slices.Equal(findings, want) || s.Events != int64(len(want)) {
			t.Errorf("%q: %q, %v", text, findings, err)
		}
	}
}

// A key of an older format has its text in its record. In the newest format that is a finding.
func TestVerifyKeysWithTheirTexts(t *testing.T) {
	w := newDamageTest(t)
	path := records.PathOf(w.empty)
	raw := store.Table[map[string]any]{Prefix: records.Keys.Prefix, Codec: store.JSON[map[string]any]()}
	for format, want := range map[int][]string{2: nil, 3: {"key/EMPTY: its record contains its policy"}, records.NewestFormat: {"key/EMPTY: its record contains its policy"}} {
		w.update(func(tx *store.Tx) error {
			k, _, err := raw.Get(tx, path)
			if err == nil {
				k["policy"] = "{}"
				err = raw.Put(tx, path, k)
			}
			return errors.Join(err, records.Formats.Put(tx, records.FormatPath, records.Format{Format: format}))
		})
		w.wantFindings(want)
	}
}

// brokenSlots cannot list the slots that are in use, or list a damaged one.
type brokenSlots struct {
	store.Slots
	err, damage error
}

func (s brokenSlots) Each(_ context.Context, _ string, fn func(string, error) bool) error {
	if s.damage != nil {
		fn("7", s.damage)
	}
	return s.err
}

func TestVerifyNeedsTheListOfSlots(t *testing.T) {
	w := newDamageTest(t)
	verify := func(s brokenSlots) (findings []string, err error) {
		s.Slots = w.slots
		_, err = Verify(t.Context(), Remains{Backend: w.backend, Slots: s, Root: w.root, Log: noLog()}, func(f Finding) { findings = append(findings, f.String()) })
		return findings, err
	}
	if findings, err := verify(brokenSlots{err: errUnreadable}); !errors.Is(err, errUnreadable) || len(findings) > 0 {
		t.Errorf("without a list: %q, %v", findings, err)
	}
	if findings, err := verify(brokenSlots{damage: errUnreadable}); err != nil || !slices.Equal(findings, []string{"slots 7: the disk does not answer"}) {
		t.Errorf("with a damaged slot: %q, %v", findings, err)
	}
}
