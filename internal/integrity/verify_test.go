package integrity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A damageTest is a deployment that has ended, for a test to damage.
type damageTest struct {
	*testing.T
	backend store.Backend
	slots   *local.Slots
	root    seal.Root
	dir     string // of slots and log
	keyring *seal.Keyring

	// The keys, and material that was not imported into the key that waits for it.
	enabled, expiring, pending, empty key.Key
	other                             key.Material
}

const testAccount, testRegion = "111122223333", "eu-west-2"

func newDamageTest(t *testing.T) *damageTest {
	t.Helper()
	w := &damageTest{T: t, backend: memory.New(), root: seal.NewEphemeralRoot(), dir: t.TempDir()}
	var err error
	w.slots, err = local.OpenSlots(w.dir, nil)
	w.must(err)
	t.Cleanup(func() { w.slots.Close() })
	log, err := audit.Open(w.log(), audit.Options{})
	w.must(err)
	s, err := service.Open(t.Context(), service.Config{
		Backend: w.backend, Slots: w.slots, Root: w.root, Audit: log, Clock: service.NewClock(time.Now), Log: slog.New(slog.DiscardHandler), Create: true,
	})
	w.must(err)
	w.keyring, err = records.OpenKeyring(t.Context(), w.backend, w.root, false)
	w.must(err)
	_, _, err = s.Initialise(t.Context(), testAccount)
	w.must(err)
	w.fill()
	w.must(errors.Join(log.Close(), s.Close()))
	return w
}

// fill makes keys, aliases and a token key.
func (w *damageTest) fill() {
	w.Helper()
	now := time.Now().UTC()
	with := func(k key.Key, validTo time.Time) key.Key {
		m, err := w.material(k, crypt.NewSymmetricMaterial())
		w.must(err)
		m.ValidTo = validTo
		k, err = k.ImportMaterial(m, nil)
		w.must(err)
		return k
	}
	w.enabled = with(w.newKey(key.OriginAWSKMS), time.Time{})
	w.expiring = with(w.newKey(key.OriginExternal), now.Add(time.Hour))
	w.pending = with(w.newKey(key.OriginExternal), time.Time{}).ScheduleDeletion(7, now)
	text := w.pending.Text()
	w.pending.Short = &text
	w.empty = w.newKey(key.OriginExternal)
	vault := material.NewVault(w.sealer(), store.New(w.backend, w.keyring.Records()), func(func(*store.Tx) error) {})
	_, err := material.NewTokenKeys(vault, w.keyring.TokenKeys(), storetest.Unfenced{}).ForSealing(w.Context(), material.HourOf(now))
	w.must(err)
	w.update(func(tx *store.Tx) error {
		for _, k := range []key.Key{w.enabled, w.expiring, w.pending, w.empty} {
			level := records.TextLevel - 1 // the text has a record of its own
			if k.ID == w.pending.ID {
				level = records.TextLevel
			}
			if err := records.InsertKey(tx, k, level); err != nil {
				return err
			}
		}
		return errors.Join(records.InsertAlias(tx, w.alias("one", w.enabled)), records.InsertAlias(tx, w.alias("two", w.enabled)))
	})
	w.noteUsage(records.PathOf(w.enabled), "Encrypt")
	w.other, err = w.material(w.enabled, crypt.NewSymmetricMaterial())
	w.must(errors.Join(err, w.slots.Erase(w.Context(), w.other.Slot)))
}

// sealer seals material as the deployment does.
func (w *damageTest) sealer() material.Sealer {
	return material.NewSealer(w.slots, w.keyring.Materials())
}

func (w *damageTest) material(k key.Key, bytes []byte) (key.Material, error) {
	id, err := crypt.MaterialID(k.ID, bytes)
	if err != nil {
		return key.Material{}, err
	}
	return w.sealer().Seal(w.Context(), k, id, bytes)
}

func (w *damageTest) newKey(o key.Origin) key.Key {
	return key.Key{
		ID: uuid.NewString(), Account: testAccount, Region: testRegion, Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt,
		Origin: o, State: key.PendingImport, CreationDate: time.Now().UTC(), Policy: key.DefaultPolicy(testAccount),
	}
}

// second adds a material to the enabled key, in the same way as a rotation.
func (w *damageTest) second(m key.Material) {
	m.RotationDate, m.RotationType = time.Now().UTC(), key.RotationOnDemand
	w.enabled.Materials = append(w.enabled.Materials, m)
}

// noteUsage notes a usage.
func (w *damageTest) noteUsage(path, operation string) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		return records.Usages.Put(tx, path, records.Usage{Operation: operation, RequestID: "request", EventID: uuid.NewString(), Time: time.Now()})
	})
}

// plan schedules a rotation of the enabled key, with its entry in the index.
func (w *damageTest) plan(r key.Rotation) {
	w.Helper()
	w.enabled.Rotation = r
	w.update(func(tx *store.Tx) error { _, err := records.PutKeys(tx, w.enabled); return err })
}

func (w *damageTest) alias(name string, k key.Key) key.Alias {
	return key.Alias{Name: key.AliasPrefix + name, Account: k.Account, Region: k.Region, KeyID: k.ID}
}

func (w *damageTest) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *damageTest) log() string { return filepath.Join(w.dir, "audit.log") }

// update writes correctly sealed records.
func (w *damageTest) update(fn func(tx *store.Tx) error) {
	w.Helper()
	w.must(store.New(w.backend, w.keyring.Records()).Update(w.Context(), fn))
}

// replace writes a key in place of the stored key, without updating indexes.
func (w *damageTest) replace(k key.Key) {
	w.Helper()
	w.update(func(tx *store.Tx) error { return records.Keys.Put(tx, records.PathOf(k), k) })
}

// alter changes the stored bytes at a path of any table.
func (w *damageTest) alter(path string, change func(value []byte) []byte) {
	w.Helper()
	var item store.Item
	w.must(w.backend.View(w.Context(), func(r store.Reader) (err error) {
		item, err = store.ReadItem(r, []byte(path))
		return err
	}))
	_, err := w.backend.Commit(w.Context(), store.Batch{Writes: []store.Write{{Key: []byte(path), Value: change(item.Value)}}})
	w.must(err)
}

func remove([]byte) []byte { return nil }

func flip(value []byte) []byte {
	value = bytes.Clone(value)
	value[len(value)/2] ^= 1
	return value
}

// untouchable fails the test if something is written.
type untouchable struct {
	store.Backend
	store.Slots
	t *testing.T
}

func (u untouchable) Commit(context.Context, store.Batch) (int64, error) {
	u.t.Error("Verify commits")
	return 0, store.ErrInvalid
}

func (u untouchable) Put(context.Context, []byte) (string, error) {
	u.t.Error("Verify writes a slot")
	return "", store.ErrInvalid
}

func (u untouchable) Erase(context.Context, ...string) error {
	u.t.Error("Verify erases")
	return store.ErrInvalid
}

func (u untouchable) Close() error { return nil }

// verify returns the findings as lines.
func (w *damageTest) verify() (findings []string, s Summary, err error) {
	w.Helper()
	log, err := os.Open(w.log())
	w.must(err)
	defer log.Close()
	info, err := log.Stat()
	w.must(err)
	u := untouchable{w.backend, w.slots, w.T}
	s, err = Verify(w.Context(), Remains{u, u, w.root, io.NewSectionReader(log, 0, info.Size()), nil, "", ""}, func(f Finding) { findings = append(findings, f.String()) })
	if s.Findings != len(findings) {
		w.Errorf("%d findings, %d reported", s.Findings, len(findings))
	}
	return findings, s, err
}

func TestVerifyFindsNothingWhereNothingIs(t *testing.T) {
	w := newDamageTest(t)
	findings, s, err := w.verify()
	if err != nil || len(findings) > 0 || len(s.Notes) > 0 {
		t.Errorf("found %q, %q, %v", findings, s.Notes, err)
	}
	want := map[string]int{"access-key": 1, "alias": 2, "alias-guard": 1, "alias-of-key": 2, "deployment": 1, "audit-log": 1, "deployment-id": 1, "format": 1, "due": 2, "fence": 1, "key": 4, "key-text": 3, "keyring": 1, "sole-node": 1, "token-keys": 1, "usage": 1}
	if !maps.Equal(s.Records, want) || s.Materials != 3 || s.TokenKeys != 1 || s.Events != 1 || s.Revision < 2 {
		t.Errorf("looked at %+v", s)
	}
}

// Remainders of a crash are not findings.
func TestVerifyKnowsWhatACrashLeaves(t *testing.T) {
	w := newDamageTest(t)
	for range 2 {
		_, err := w.slots.Put(t.Context(), make([]byte, store.SlotSize))
		w.must(err)
	}
	e := audit.Event{EventID: uuid.NewString()}
	line, err := e.Line()
	w.must(err)
	gone := w.pending.AsGone()
	slot := w.pending.Slots()[0]
	w.update(func(tx *store.Tx) error {
		_, err := records.PutKeys(tx, gone) // notes the erasure of its slot
		return errors.Join(err, records.Outbox.Put(tx, records.OutboxPath("NODE", e.EventID), records.PendingEvent{Line: line, After: 5}),
			records.Outbox.Put(tx, records.OutboxPath("NODE", "lost"), records.PendingEvent{Void: true}),
			records.InsertAlias(tx, w.alias("three", gone)), records.AliasGuards.Put(tx, records.PathOf(gone), records.AliasGuard{Count: 7}))
	})
	f, err := os.OpenFile(w.log(), os.O_APPEND|os.O_WRONLY, 0)
	w.must(err)
	_, err = f.WriteString(`{"eventVersion"`)
	w.must(errors.Join(err, f.Close()))
	for range 2 { // before and after the erasure
		findings, s, err := w.verify()
		notes := strings.Join(s.Notes, "\n")
		if err != nil || len(findings) > 0 || !strings.Contains(notes, "15 bytes") || !strings.Contains(notes, "2 slots") || len(s.Notes) != 2 {
			t.Errorf("found %q, %q, %v", findings, s.Notes, err)
		}
		w.must(w.slots.Erase(t.Context(), slot))
	}
}

// damages are damages of a deployment, with all findings of each as regular expressions. KEY and
// similar words stand for the paths of keys.
var damages = map[string]struct {
	do   func(w *damageTest)
	want []string
}{
	"a flipped bit": {func(w *damageTest) { w.alter("key/"+records.PathOf(w.enabled), flip) },
		[]string{"key/ENABLED: the sealed value does not open"}},
	"a flipped bit in an index": {func(w *damageTest) { w.alter("alias-of-key/"+records.PathOf(w.enabled)+"/one", flip) },
		[]string{"alias-of-key/ENABLED/one: the sealed value does not open"}},
	"a record in another place": {func(w *damageTest) {
		w.alter("key/"+records.PathOf(w.enabled), func(v []byte) []byte {
			w.alter("key/"+records.PathOf(w.empty), func([]byte) []byte { return v })
			return v
		})
	}, []string{"key/EMPTY: the sealed value does not open"}},
	"a kind of record that there is not": {func(w *damageTest) { w.alter("keyz/x", func([]byte) []byte { return []byte("x") }) },
		[]string{"keyz/x: no kind of record"}},
	"a path of bytes": {func(w *damageTest) { w.alter("k\x00\n", func([]byte) []byte { return []byte("x") }) },
		[]string{`"k\\x00\\n": no kind of record`}},
	"a record of a newer version": {func(w *damageTest) {
		newer := store.Table[map[string]int]{Prefix: records.AliasGuards.Prefix, Codec: store.JSON[map[string]int]()}
		w.update(func(tx *store.Tx) error { return newer.Put(tx, records.PathOf(w.enabled), map[string]int{"more": 1}) })
	}, []string{`alias-guard/ENABLED: unknown member "/more"`}},
	"a key under the name of another": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error { return records.Keys.Put(tx, records.PathOf(w.empty), w.enabled) })
	}, []string{"key/EMPTY: its content belongs to another path"}},
	"a key that is gone": {func(w *damageTest) { w.alter("key/"+records.PathOf(w.expiring), remove) },
		[]string{`due/\d+/EXPIRING: no key is due then`, "key-text/EXPIRING: there is no such key"}},
	"a key without text": {func(w *damageTest) { w.alter("key-text/"+records.PathOf(w.empty), remove) },
		[]string{`key-text/EMPTY: it is missing: arn:.* needs it`}},
	"a short text without a policy": {func(w *damageTest) {
		k := w.pending
		k.Short = &key.Text{}
		w.replace(k)
	}, []string{`key/PENDING: it has no key policy`}},
	"a short text that is not short": {func(w *damageTest) {
		k := w.pending
		k.Short = &key.Text{Policy: strings.Repeat("x", key.MaxShortText+1)}
		w.replace(k)
	}, []string{`key/PENDING: its record contains a text that is not short`}},
	"a short text and a record of the text": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.KeyTexts.Put(tx, records.PathOf(w.pending), key.Text{Policy: "{}"})
		})
	}, []string{`key-text/PENDING: the record of the key contains its text`}},
	"a text without a policy": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error { return records.KeyTexts.Put(tx, records.PathOf(w.empty), key.Text{}) })
	}, []string{`key-text/EMPTY: it has no key policy`}},
	"a key that is listed too late": {func(w *damageTest) {
		w.expiring.Listed = w.expiring.Due().Add(time.Hour)
		w.replace(w.expiring)
	}, []string{`due/\d+/EXPIRING: no key is due then`, `due/\d+/EXPIRING: it is missing`, `key/EXPIRING: it is due at .* and listed as due at`}},
	"a key with aliases that is gone": {func(w *damageTest) { w.alter("key/"+records.PathOf(w.enabled), remove) },
		[]string{"alias-guard/ENABLED: there is no such key", "key/ENABLED: it is missing: arn:.*alias/one", "key/ENABLED: it is missing: arn:.*alias/two", "key-text/ENABLED: there is no such key", "usage/ENABLED: there is no such key"}},

	"a state that does not fit": {func(w *damageTest) { w.empty.State = key.Enabled; w.replace(w.empty) },
		[]string{`key/EMPTY: the state "Enabled" does not fit`}},
	"a state that there is not": {func(w *damageTest) { w.empty.State = "Asleep"; w.replace(w.empty) },
		[]string{`key/EMPTY: the state "Asleep" does not fit`}},
	"no material, as if it had been imported": {func(w *damageTest) { w.enabled.State = key.PendingImport; w.replace(w.enabled) },
		[]string{`key/ENABLED: the state "PendingImport" does not fit`}},
	"a deletion without a date": {func(w *damageTest) { w.pending.DeletionDate = time.Time{}; w.replace(w.pending) },
		[]string{`due/\d+/PENDING: no key is due then`, `key/PENDING: the state "PendingDeletion" does not fit`}},
	"material that waits in a key of the server's own": {func(w *damageTest) { w.enabled.Pending = &key.Material{ID: w.other.ID}; w.replace(w.enabled) },
		[]string{`key/ENABLED: material [0-9a-f]{64} cannot wait`}},
	"material that waits before any other": {func(w *damageTest) {
		w.enabled.Origin, w.enabled.State = key.OriginExternal, key.PendingImport
		w.enabled.Pending, w.enabled.Materials = &w.enabled.Materials[0], nil
		w.replace(w.enabled)
	}, []string{`key/ENABLED: material [0-9a-f]{64} cannot wait`}},
	"material that waits without bytes": {func(w *damageTest) { w.expiring.Pending = &key.Material{ID: w.other.ID}; w.replace(w.expiring) },
		[]string{`key/EXPIRING: material [0-9a-f]{64} cannot wait`}},
	"a material twice": {func(w *damageTest) { w.second(w.enabled.Materials[0]); w.replace(w.enabled) },
		[]string{`key/ENABLED: material [0-9a-f]{64} is listed twice; another record names the slot`}},
	"a second material that no rotation brought": {func(w *damageTest) {
		w.enabled.Materials = append(w.enabled.Materials, key.Material{ID: w.other.ID})
		w.enabled.State = key.Disabled
		w.replace(w.enabled)
	}, []string{`key/ENABLED: the state "Disabled" does not fit its material and dates; material [0-9a-f]{64} is in a place where no rotation`}},
	"a rotation to the first material": {func(w *damageTest) {
		w.enabled.Materials[0].RotationDate, w.enabled.Materials[0].RotationType = time.Now(), key.RotationOnDemand
		w.replace(w.enabled)
	}, []string{`key/ENABLED: material [0-9a-f]{64} is in a place where no rotation`}},
	"more rotations on demand than there can be": {func(w *damageTest) {
		w.expiring.State = key.PendingImport
		for i := range 26 {
			w.second(key.Material{ID: fmt.Sprintf("%064d", i)})
			w.expiring.Materials = append(w.expiring.Materials, w.enabled.Materials[i+1])
		}
		w.replace(w.expiring)
	}, []string{`key/EXPIRING: 26 rotations on demand are more`}},
	"automatic rotation of imported material": {func(w *damageTest) { w.empty = w.empty.EnableRotation(90, time.Now()); w.replace(w.empty) },
		[]string{`key/EMPTY: a key of the spec SYMMETRIC_DEFAULT and the origin EXTERNAL cannot have this rotation`}},
	"automatic rotation too often": {func(w *damageTest) { w.plan(key.Rotation{PeriodInDays: 89, Next: time.Now()}) },
		[]string{`key/ENABLED: a rotation period of 89 days is not valid`}},
	"automatic rotation without a date": {func(w *damageTest) { w.plan(key.Rotation{PeriodInDays: 90}) },
		[]string{`key/ENABLED: a rotation period of 90 days is not valid`}},
	"a rotation that is not in the index": {func(w *damageTest) { w.enabled = w.enabled.EnableRotation(90, time.Now()); w.replace(w.enabled) },
		[]string{`due/\d+/ENABLED: it is missing`}},
	"the usage of a missing key": {func(w *damageTest) { w.noteUsage("111122223333/eu-west-2/x", "Encrypt") },
		[]string{`usage/.*/x: there is no such key`}},
	"a usage that is not a use": {func(w *damageTest) { w.noteUsage(records.PathOf(w.enabled), "DescribeKey") },
		[]string{`usage/ENABLED: "DescribeKey" is not a use of a key`}},
	"a slot that is gone": {func(w *damageTest) { w.must(w.slots.Erase(w.Context(), w.enabled.Slots()...)) },
		[]string{`key/ENABLED: material [0-9a-f]{64} of arn:.*: store: no such slot`}},
	"a damaged slot": {func(w *damageTest) { w.flipInSlots(64 + 20) }, // of the first cell that was taken
		[]string{`key/ENABLED: material [0-9a-f]{64} of arn:.*: store: "slots 1-[0-9a-f]{16}" is corrupt: wrong checksum`, `slots 1-[0-9a-f]{16}: wrong checksum`}},
	"a damaged slot that is free": {func(w *damageTest) { w.flipInSlots(64 * 900) }, []string{`slots 900-0[0-9a-f]{15}: wrong checksum`}},
	"a slot for a material without bytes": {func(w *damageTest) { w.enabled.Materials[0].Sealed = nil; w.replace(w.enabled) },
		[]string{`key/ENABLED: the state "Enabled" does not fit.*; material [0-9a-f]{64} has bytes or a slot, but not both`}},
	"a slot of two keys": {func(w *damageTest) {
		w.enabled.ID = "ffffffff-ffff-4fff-bfff-ffffffffffff" // the last key to be checked
		w.replace(w.enabled)
	}, []string{`key-text/.*/ffffffff-.*: it is missing`, `key/.*/ffffffff-.*: another record names the slot 1-[0-9a-f]{16} too; material .* does not open`}},
	"an erasure of a slot in use": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error { return records.NoteErasures(tx, w.enabled.Slots()) })
	}, []string{`key/ENABLED: another record names the slot`}},
	"an erasure of a slot in use, behind others": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.NoteErasures(tx, append([]string{w.other.Slot}, w.enabled.Slots()...))
		})
	}, []string{`key/ENABLED: another record names the slot`}},
	"sealed bytes of other material": {func(w *damageTest) { w.enabled.Materials[0].Sealed = w.other.Sealed; w.replace(w.enabled) },
		[]string{`key/ENABLED: material .* does not open`}},
	"other material under the right name": {func(w *damageTest) {
		m, err := w.sealer().Seal(w.Context(), w.enabled, w.enabled.Materials[0].ID, crypt.NewSymmetricMaterial())
		w.must(err)
		w.enabled.Materials[0].Sealed, w.enabled.Materials[0].Slot = m.Sealed, m.Slot
		w.replace(w.enabled)
	}, []string{`key/ENABLED: material [0-9a-f]{64} is other material`}},

	"a due time that is missing": {func(w *damageTest) {
		w.alter("due/"+records.DuePath(w.expiring.Due(), records.PathOf(w.expiring)), remove)
	},
		[]string{`due/\d{12}/EXPIRING: it is missing: arn:`}},
	"another due time": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.Dues.Put(tx, records.DuePath(w.expiring.Due().Add(time.Hour), records.PathOf(w.expiring)), struct{}{})
		})
	}, []string{`due/\d{12}/EXPIRING: no key is due then`}},
	"a due time of a key without one": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.Dues.Put(tx, records.DuePath(time.Now(), records.PathOf(w.enabled)), struct{}{})
		})
	}, []string{`due/\d{12}/ENABLED: no key is due then`}},
	"a due time of nothing": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error { return records.Dues.Put(tx, "000000000001/", struct{}{}) })
	}, []string{`due/000000000001/: its content belongs`}},

	"an alias that is missing": {func(w *damageTest) { w.alter("alias/"+testAccount+"/"+testRegion+"/one", remove) },
		[]string{"alias-of-key/ENABLED/one: no such alias stands for this key"}},
	"an alias of another key": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			a := w.alias("one", w.empty)
			return records.Aliases.Put(tx, records.AliasPath(a.Account, a.Region, a.Name), a)
		})
	}, []string{"alias-of-key/EMPTY/one: it is missing: arn:.*alias/one", "alias-of-key/ENABLED/one: no such alias"}},
	"an alias under another name": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error { return records.Aliases.Put(tx, "x/y/z", w.alias("one", w.enabled)) })
	}, []string{"alias/x/y/z: its content belongs"}},
	"an entry of an alias that is missing": {func(w *damageTest) { w.alter("alias-of-key/"+records.PathOf(w.enabled)+"/one", remove) },
		[]string{"alias-guard/ENABLED: it counts 2 aliases, and there are 1", "alias-of-key/ENABLED/one: it is missing"}},
	"an entry of no alias": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error { return records.AliasesOfKey.Put(tx, "x", struct{}{}) })
	}, []string{"alias-of-key/x: its content belongs"}},
	"a wrong count of aliases": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.AliasGuards.Put(tx, records.PathOf(w.enabled), records.AliasGuard{Count: 3})
		})
	}, []string{"alias-guard/ENABLED: it counts 3 aliases, and there are 2"}},
	"no count of aliases": {func(w *damageTest) { w.alter("alias-guard/"+records.PathOf(w.enabled), remove) },
		[]string{"alias-guard/ENABLED: it is missing: alias-of-key/ENABLED/one", "alias-guard/ENABLED: it is missing: alias-of-key/ENABLED/two"}},

	"a token key whose slot is gone": {func(w *damageTest) { w.must(w.slots.Erase(w.Context(), w.ring().Keys[0].Slot)) },
		[]string{`token-keys/ring: the token key of hour \d+: store: no such slot`}},
	"a token key of another hour": {func(w *damageTest) { r := w.ring(); r.Keys[0].Hour--; w.putRing(records.TokenRingPath, r) },
		[]string{`token-keys/ring: the token key of hour \d+: the sealed value does not open`}},
	"a token key twice": {func(w *damageTest) {
		r := w.ring()
		w.putRing(records.TokenRingPath, records.TokenRing{Keys: append(r.Keys, r.Keys...)})
	},
		[]string{`token-keys/ring: the token key of hour \d+: it is listed twice`}},
	"a token key in the slot of a material": {func(w *damageTest) {
		r := w.ring()
		r.Keys[0].Slot = w.enabled.Materials[0].Slot
		w.putRing(records.TokenRingPath, r)
	}, []string{`token-keys/ring: the token key of hour \d+: another record names the slot`}},
	"another ring": {func(w *damageTest) { w.putRing("rang", records.TokenRing{}) }, []string{"token-keys/rang: its content belongs"}},

	"bytes that are not an event": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.Outbox.Put(tx, "NODE/id", records.PendingEvent{Line: []byte("{}\n")})
		})
	}, []string{"outbox/NODE/id: audit: not an event"}},
	"an event from before the log": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.Outbox.Put(tx, "NODE/id", records.PendingEvent{Line: []byte(`{"eventID":"id"}` + "\n"), After: -1})
		})
	}, []string{"outbox/NODE/id: its content belongs"}},
	"an event of another name": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.Outbox.Put(tx, "NODE/id", records.PendingEvent{Line: []byte(`{"eventID":"di"}` + "\n")})
		})
	}, []string{"outbox/NODE/id: its content belongs"}},
	"an event of no node": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.Outbox.Put(tx, "id", records.PendingEvent{Line: []byte(`{"eventID":"id"}` + "\n")})
		})
	}, []string{"outbox/id: its content belongs"}},
	"fences of nobody": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return errors.Join(records.Fences.Put(tx, "NODE", records.Fence{}), records.Fences.Put(tx, "NODE/id", records.Fence{Incarnation: "x"}))
		})
	}, []string{"fence/NODE: its content belongs", "fence/NODE/id: its content belongs"}},
	"a second node": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return errors.Join(records.SoleNodes.Put(tx, "that", records.SoleNode{ID: "NODE"}), records.SoleNodes.Put(tx, records.SoleNodePath, records.SoleNode{}))
		})
	}, []string{"sole-node/that: its content belongs", "sole-node/this: its content belongs"}},
	"nodes that no process has written": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			whole := records.Node{Incarnation: "x", Level: 1, Beat: 1}
			return errors.Join(
				records.Nodes.Put(tx, "A", whole), records.Confirmations.Put(tx, "A", records.Confirmation{Incarnation: "x"}),
				records.Levels.Put(tx, records.LevelPath, records.Level{Level: 1}), // so far all is well
				records.Nodes.Put(tx, "a_b", whole), records.Nodes.Put(tx, "B", records.Node{Level: 1, Beat: 1}),
				records.Nodes.Put(tx, "C", records.Node{Incarnation: "x", Beat: 1}), records.Nodes.Put(tx, "D", records.Node{Incarnation: "x", Level: 1}),
				records.Confirmations.Put(tx, "B", records.Confirmation{}), records.Confirmations.Put(tx, "X", records.Confirmation{Incarnation: "x"}),
				records.Levels.Put(tx, "other", records.Level{Level: 1}))
		})
	}, []string{
		"cluster/other: its content belongs", "confirmed/B: its content belongs", "node/X: it is missing: confirmed/X needs it",
		"node/B: its content belongs", "node/C: its content belongs", "node/D: its content belongs", "node/a_b: its content belongs",
	}},
	"a level below the first": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error { return records.Levels.Put(tx, records.LevelPath, records.Level{}) })
	}, []string{"cluster/level: its content belongs"}},
	"rotations of data keys that nobody has begun": {func(w *damageTest) {
		whole := records.Reseal{To: 2, Phase: records.PhaseWaiting, Begun: time.Now()}
		w.putReseal(whole) // so far all is well
		w.update(func(tx *store.Tx) error { return records.Reseals.Put(tx, "that", whole) })
	}, []string{"reseal/that: its content belongs"}},
	"a rotation to the first data key": {func(w *damageTest) {
		w.putReseal(records.Reseal{To: 1, Phase: records.PhaseWaiting, Begun: time.Now()})
	}, []string{"reseal/.*: its content belongs"}},
	"a rotation of data keys without a phase": {func(w *damageTest) { w.putReseal(records.Reseal{To: 2, Begun: time.Now()}) },
		[]string{"reseal/.*: its content belongs"}},
	"a rotation of data keys without a begin": {func(w *damageTest) { w.putReseal(records.Reseal{To: 2, Phase: records.PhaseWaiting}) },
		[]string{"reseal/.*: its content belongs"}},
	"a clock behind wall time": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.Clocks.Put(tx, records.ClockPath, records.Clock{OffsetNanos: -1})
		})
	}, []string{"clock/dev: its content belongs"}},
	"no deployment": {func(w *damageTest) { w.alter("deployment/this", remove) },
		[]string{"deployment/this: it is missing, but there are access keys"}},
	"another deployment": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.Deployments.Put(tx, "that", records.Deployment{Account: testAccount})
		})
	}, []string{"deployment/that: its content belongs"}},
	"Regions of another name": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.ServedRegions.Put(tx, "other", records.Served{Regions: []string{service.DefaultRegion}})
		})
	}, []string{"regions/other: its content belongs"}},
	"no Regions": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error { return records.ServedRegions.Put(tx, records.ServedPath, records.Served{}) })
	}, []string{"regions/served: its content belongs"}},
	"a name that is not a Region": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.ServedRegions.Put(tx, records.ServedPath, records.Served{Regions: []string{"Frankfurt"}})
		})
	}, []string{"regions/served: its content belongs"}},
	"no access key": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error { return records.AccessKeys.Delete(tx, w.accessKey()) })
	}, []string{"access-key: there is no access key"}},
	"an access key of nobody": {func(w *damageTest) {
		w.update(func(tx *store.Tx) error {
			return records.AccessKeys.Put(tx, w.accessKey(), identity.StoredKey{Secret: "x"})
		})
	}, []string{"access-key/AKIA.*: its content belongs"}},
	"an older store": {func(w *damageTest) { w.appendToLog(string(audit.Stamp([]byte(`{"eventID":"x"}`+"\n"), 1000))) },
		[]string{`audit log: the store is older than its audit log: the store is at revision \d+, the log has seen 1000`}},
	"a line that is not an event": {func(w *damageTest) { w.appendToLog("x\n") }, []string{"audit log, line 2: audit: not an event"}},
}

func TestVerifyFindsDamage(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDamageTest(t)
			damage.do(w)
			w.wantFindings(damage.want)
		})
	}
}

// wantFindings checks the findings of Verify. more are names for paths, each before its path.
func (w *damageTest) wantFindings(want []string, more ...string) {
	w.Helper()
	findings, _, err := w.verify()
	w.must(err)
	if len(findings) != len(want) {
		w.Errorf("found %d things, not %d: %q", len(findings), len(want), findings)
	}
	all := strings.Join(findings, "\n")
	paths := strings.NewReplacer(append([]string{"ENABLED", records.PathOf(w.enabled), "EXPIRING", records.PathOf(w.expiring), "PENDING", records.PathOf(w.pending), "EMPTY", records.PathOf(w.empty)}, more...)...)
	for _, one := range want {
		if !regexp.MustCompile("(?m)^" + paths.Replace(one)).MatchString(all) {
			w.Errorf("found %q, not %s", findings, one)
		}
	}
}

func (w *damageTest) flipInSlots(at int64) {
	w.Helper()
	path := filepath.Join(w.dir, "slots")
	b, err := os.ReadFile(path)
	w.must(err)
	b[at] ^= 4
	w.must(os.WriteFile(path, b, 0o600))
}

func (w *damageTest) appendToLog(line string) {
	w.Helper()
	f, err := os.OpenFile(w.log(), os.O_APPEND|os.O_WRONLY, 0)
	w.must(err)
	_, err = f.WriteString(line)
	w.must(errors.Join(err, f.Close()))
}

func (w *damageTest) ring() (ring records.TokenRing) {
	w.Helper()
	w.update(func(tx *store.Tx) (err error) {
		ring, _, err = records.TokenRings.Get(tx, records.TokenRingPath)
		return err
	})
	return ring
}

func (w *damageTest) putRing(path string, ring records.TokenRing) {
	w.Helper()
	w.update(func(tx *store.Tx) error { return records.TokenRings.Put(tx, path, ring) })
}

func (w *damageTest) putReseal(r records.Reseal) {
	w.Helper()
	w.update(func(tx *store.Tx) error { return records.Reseals.Put(tx, records.ResealPath, r) })
}

func (w *damageTest) accessKey() (id string) {
	w.Helper()
	w.must(store.New(w.backend, w.keyring.Records()).View(w.Context(), func(v *store.View) error {
		all, err := records.AccessKeys.Scan(v, "", "", 1)
		id = all[0].Path
		return err
	}))
	return id
}

// Without the data keys nothing can be checked.
func TestVerifyNeedsTheKeyring(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(w *damageTest)
		want error
	}{
		"another root key":  {func(w *damageTest) { w.root = seal.NewEphemeralRoot() }, seal.ErrWrongRoot},
		"a damaged keyring": {func(w *damageTest) { w.alter(records.KeyringPath, flip) }, nil},
		"no keyring":        {func(w *damageTest) { w.alter(records.KeyringPath, remove) }, nil},
		"nothing at all":    {func(w *damageTest) { w.backend = memory.New() }, records.ErrNotInitialised},
	} {
		w := newDamageTest(t)
		test.do(w)
		findings, _, err := w.verify()
		if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), records.KeyringPath) || len(findings) > 0 {
			t.Errorf("%s: %v, %q", name, err, findings)
		}
	}
}

// A refusingBackend refuses to read some records, like a Backend that detects damage itself.
type refusingBackend struct {
	store.Backend
	store.Reader
	damaged []string
}

func (r refusingBackend) View(ctx context.Context, fn func(store.Reader) error) error {
	return r.Backend.View(ctx, func(reader store.Reader) error {
		r.Reader = reader
		return fn(r)
	})
}

func (r refusingBackend) Scan(from, to []byte, limit int) ([]store.Item, error) {
	items, err := r.Reader.Scan(from, to, limit)
	for _, item := range items {
		for _, path := range r.damaged {
			if string(item.Key) == path {
				return nil, &store.CorruptError{Path: path, Err: errors.New("refused")}
			}
		}
	}
	return items, err
}

func noLog() *io.SectionReader { return io.NewSectionReader(strings.NewReader(""), 0, 0) }

func TestVerifyGoesOnAfterARefusal(t *testing.T) {
	w := newDamageTest(t)
	r := refusingBackend{Backend: w.backend, damaged: []string{"access-key/" + w.accessKey(), "deployment/this", "token-keys/ring"}}
	var findings []string
	s, err := Verify(t.Context(), Remains{r, w.slots, w.root, noLog(), nil, "", ""}, func(f Finding) { findings = append(findings, f.String()) })
	if err != nil || len(findings) != 3 || s.Records["key"] != 4 || s.Records["alias"] != 2 {
		t.Errorf("%q, %+v, %v", findings, s, err)
	}
	for i, path := range r.damaged {
		if i < len(findings) && findings[i] != path+": refused" {
			t.Errorf("found %q, want %s", findings[i], path)
		}
	}
	// The path of a damaged record can be the next possible one after another.
	w.alter("x", func([]byte) []byte { return []byte("x") })
	w.alter("x\x00", func([]byte) []byte { return []byte("x") })
	r.damaged = []string{"x", "x\x00"}
	if s, err := Verify(t.Context(), Remains{r, w.slots, w.root, noLog(), nil, "", ""}, func(Finding) {}); err != nil || s.Findings != 2 {
		t.Errorf("%d findings of two, %v", s.Findings, err)
	}
	r.damaged = nil
	broken := errors.New("broken")
	if _, err := Verify(t.Context(), Remains{brokenBackend{r, broken}, w.slots, w.root, noLog(), nil, "", ""}, nil); !errors.Is(err, broken) {
		t.Errorf("of a Backend that is broken: %v", err)
	}
}

type brokenBackend struct {
	store.Backend
	err error
}

func (b brokenBackend) View(context.Context, func(store.Reader) error) error { return b.err }

// There is a check for each kind of record.
func TestVerifyKnowsEveryKindOfRecord(t *testing.T) {
	rows := checks()
	declared := regexp.MustCompile(`(?:tableOf\[.*\]\(|store\.Table\[.*\]\{Prefix: )"([a-z-]+)"`)
	found := 0
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllSubmatch(text, -1) {
			found++
			if rows[string(m[1])] == nil {
				t.Errorf("%s declares a table %s that Verify does not know", file, m[1])
			}
		}
	}
	if found != len(rows) {
		t.Errorf("found %d tables and %d verifications", found, len(rows))
	}
}

func TestFindingIsOneLine(t *testing.T) {
	f := Finding{"key/x", fmt.Sprint(errors.Join(errors.New("a"), errors.New("b")))}
	if got := f.String(); got != "key/x: a; b" {
		t.Error(got)
	}
}
