package service

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// inFormat2 brings the keys of a migrationTest back to format 2, whose records contain their texts, and gives them
// long policies. It returns the keys.
func (m *migrationTest) inFormat2(keys int) (all []key.Key) {
	m.Helper()
	s, err := m.open(m.backend, false)
	m.must(err)
	old := store.Table[map[string]any]{Prefix: records.Keys.Prefix, Codec: store.JSON[map[string]any]()}
	for i := range keys {
		k, _, err := records.WholeKeys.Latest(m.Context(), s.store, records.PathOf(createKeyForTest(m.T, s)), nil)
		m.must(err)
		k.Description, k.Tags = fmt.Sprint("key ", i), []key.Tag{{Key: "n", Value: fmt.Sprint(i)}}
		k.Policy = key.DefaultPolicy(k.Account) + strings.Repeat("\t", 30<<10)
		k.Short = nil
		all = append(all, k)
		encoded, err := records.Keys.Codec.Encode(k)
		m.must(err)
		members := map[string]any{}
		m.must(json.Unmarshal(encoded, &members))
		members["policy"], members["description"], members["tags"] = k.Policy, k.Description, k.Tags
		m.must(s.store.Update(m.Context(), func(tx *store.Tx) error {
			return errors.Join(old.Put(tx, records.PathOf(k), members), records.KeyTexts.Delete(tx, records.PathOf(k)),
				records.Formats.Put(tx, records.FormatPath, records.Format{Format: 2}))
		}))
	}
	m.must(s.Close())
	m.log.Reset()
	return all
}

func (m *migrationTest) wantKeys(all []key.Key) {
	m.Helper()
	s, err := m.open(m.backend, false)
	m.must(err)
	defer s.Close()
	for _, k := range all {
		got, ok, err := records.WholeKeys.Latest(m.Context(), s.store, records.PathOf(k), nil)
		if err != nil || !ok || !reflect.DeepEqual(got, k) {
			m.Errorf("%+v, %v, %v; want %+v", got, ok, err, k)
		}
	}
	_, err = integrity.Verify(m.Context(), integrity.Remains{Backend: m.backend, Slots: m.slots, Root: m.root, Log: emptyLog()},
		func(f integrity.Finding) { m.Error(f) })
	m.must(err)
}

// The migration from format 2 gives each key a record for its text. A page that exceeds a Batch is halved: 40 keys
// with long policies have 2.5 MB. A migration that is killed at any commit goes on at the next start.
func TestMigrationOfTexts(t *testing.T) {
	for _, persist := range []bool{false, true} {
		kills := 0
		for left := 0; ; left += 2 {
			m := newMigrationTest(t)
			all := m.inFormat2(migrationPage + 5)
			var findings []string
			_, err := integrity.Verify(t.Context(), integrity.Remains{Backend: m.backend, Slots: m.slots, Root: m.root, Log: emptyLog()},
				func(f integrity.Finding) { findings = append(findings, f.String()) })
			if err != nil || len(findings) > 0 {
				t.Errorf("before the migration: %v, %.300q", err, findings)
			}
			s, err := m.open(&storetest.Killed{Backend: m.backend, Left: left, Persist: persist}, false)
			if err == nil {
				s.Close() // which may need another commit
				m.wantKeys(all)
				if !strings.Contains(m.log.String(), "from=2 to=3 records=46") {
					t.Error(m.log.String())
				}
				break
			}
			if kills++; !errors.Is(err, storetest.ErrKilled) {
				t.Fatal(err)
			}
			m.wantKeys(all)
		}
		if kills < 2 {
			t.Errorf("%d kills", kills)
		}
	}
}
