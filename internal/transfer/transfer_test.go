package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

const testAccount = "111122223333"

// A copyTest is a deployment that has ended, and an empty store.
type copyTest struct {
	*testing.T
	from, to Side
	root     seal.Root
	keyring  *seal.Keyring
	findings []string
	log      string
	logs     map[string]string // of nodes
}

func newSide() Side { return Side{Backend: memory.New(), Slots: memory.NewSlots()} }

func newCopyTest(t *testing.T) *copyTest {
	t.Helper()
	w := &copyTest{T: t, from: newSide(), to: newSide(), root: seal.NewEphemeralRoot()}
	log := filepath.Join(t.TempDir(), "audit.log")
	s, closeAll := w.open(w.from, log, true)
	_, _, err := s.Initialise(t.Context(), testAccount)
	w.must(err)
	closeAll()
	w.keyring, err = records.OpenKeyring(t.Context(), w.from.Backend, w.root, false)
	w.must(err)
	w.fill()
	return w
}

// open opens a service on a store.
func (w *copyTest) open(side Side, log string, create bool) (*service.Service, func()) {
	w.Helper()
	l, err := audit.Open(log, audit.Options{})
	w.must(err)
	s, err := service.Open(w.Context(), service.Config{
		Backend: side.Backend, Slots: side.Slots, Root: w.root, Audit: l, Clock: service.NewClock(time.Now),
		Log: slog.New(slog.DiscardHandler), Create: create,
	})
	w.must(err)
	return s, func() { w.must(errors.Join(l.Close(), s.Close())) }
}

func (w *copyTest) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *copyTest) update(fn func(tx *store.Tx) error) {
	w.Helper()
	w.must(store.New(w.from.Backend, w.keyring.Records()).Update(w.Context(), fn))
}

func (w *copyTest) material(k key.Key) key.Material {
	w.Helper()
	plain := crypt.NewSymmetricMaterial()
	id, err := crypt.MaterialID(k.ID, plain)
	w.must(err)
	m, err := material.NewSealer(w.from.Slots, w.keyring.Materials()).Seal(w.Context(), k, id, plain)
	w.must(err)
	return m
}

// fill makes 300 keys, some with long texts and with material that waits for a rotation, and everything that does not
// go along.
func (w *copyTest) fill() {
	w.Helper()
	for i := range 300 {
		k := key.Key{
			ID: uuid.NewString(), Account: testAccount, Region: "eu-west-2", Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt,
			Origin: key.OriginExternal, State: key.PendingImport, CreationDate: time.Now().UTC(), Policy: key.DefaultPolicy(testAccount),
		}
		var err error
		if i%3 > 0 {
			k, err = k.ImportMaterial(w.material(k), nil)
			w.must(err)
		}
		if i%3 > 1 {
			m := w.material(k)
			k.Pending = &m
		}
		if i%10 == 0 {
			k.Description = strings.Repeat("long ", 40<<10)
		}
		w.update(func(tx *store.Tx) error {
			a := key.Alias{Name: fmt.Sprintf("alias/%d", i), Account: k.Account, Region: k.Region, KeyID: k.ID}
			return errors.Join(records.InsertKey(tx, k, records.NewestLevel), records.InsertAlias(tx, a))
		})
	}
	vault := material.NewVault(material.NewSealer(w.from.Slots, w.keyring.Materials()),
		store.New(w.from.Backend, w.keyring.Records()), func(func(*store.Tx) error) {})
	_, err := material.NewTokenKeys(vault, w.keyring.TokenKeys(), storetest.Unfenced{}).ForSealing(w.Context(), material.HourOf(time.Now()))
	w.must(err)
	event := audit.Event{EventName: "CreateAlias", EventID: uuid.NewString(), EventTime: time.Now()}
	line, err := event.Line()
	w.must(err)
	w.update(func(tx *store.Tx) error {
		return errors.Join(
			records.Outbox.Put(tx, records.OutboxPath("ONE", event.EventID), records.PendingEvent{Line: line, After: 77}),
			records.Outbox.Put(tx, records.OutboxPath("ONE", uuid.NewString()), records.PendingEvent{Void: true}),
			records.Erasures.Put(tx, "1-0123456789abcdef", records.Erasure{}),
			records.Nodes.Put(tx, "ONE", records.Node{Incarnation: "X", Level: 1, Beat: 1}))
	})
}

func (w *copyTest) copy() (Summary, error) {
	c := Config{
		From: w.from, To: w.to, Root: w.root, Now: time.Now, Progress: func(int) {},
		Report: func(f integrity.Finding) { w.findings = append(w.findings, f.String()) },
	}
	if w.log != "" {
		c.Log = io.NewSectionReader(strings.NewReader(w.log), 0, int64(len(w.log)))
	}
	c.Logs = map[string]*io.SectionReader{}
	for id, text := range w.logs {
		c.Logs[id] = io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))
	}
	return Copy(w.Context(), c)
}

// content returns the keys and values of a Backend under a prefix.
func (w *copyTest) content(b store.Backend, prefix string) (all []store.Item) {
	w.Helper()
	w.must(b.View(w.Context(), func(r store.Reader) (err error) {
		all, err = r.Scan([]byte(prefix), []byte(prefix+"\xff"), 1<<20)
		return err
	}))
	return all
}

// complete checks that the target is the same deployment, and that a server writes the events of the copy once.
func (w *copyTest) complete() {
	w.Helper()
	for _, prefix := range []string{"alias", "key-text/", "format/", "deployment/", "access-key/", "keyring"} {
		from, to := w.content(w.from.Backend, prefix), w.content(w.to.Backend, prefix)
		if len(from) == 0 || len(from) != len(to) {
			w.Fatalf("%s: %d records, and %d in the copy", prefix, len(from), len(to))
		}
		for i := range from {
			if !bytes.Equal(from[i].Key, to[i].Key) || !bytes.Equal(from[i].Value, to[i].Value) {
				w.Fatalf("%s differs", from[i].Key)
			}
		}
	}
	for _, prefix := range []string{"copy/", "erase/", "fence/"} {
		if found := w.content(w.to.Backend, prefix); len(found) > 0 {
			w.Errorf("the copy has %s", found[0].Key)
		}
	}
	summary, err := integrity.Verify(w.Context(), integrity.Remains{
		Backend: w.to.Backend, Slots: w.to.Slots, Root: w.root, Log: io.NewSectionReader(strings.NewReader(""), 0, 0),
	}, func(f integrity.Finding) { w.Error(f) })
	if err != nil || summary.Materials != 300 || summary.TokenKeys != 1 || summary.Records["key"] != 300 {
		w.Errorf("%v: %+v", err, summary)
	}
	if w.to.Shared {
		return
	}
	log := filepath.Join(w.TempDir(), "audit.log")
	for range 2 {
		_, closeAll := w.open(w.to, log, false)
		closeAll()
	}
	written, err := os.ReadFile(log)
	w.must(err)
	text := string(written)
	for _, part := range []string{`"eventName":"CopyStore"`, `"eventName":"CreateAlias"`, `"recoveredFrom":"ONE"`} {
		if strings.Count(text, part) != 1 {
			w.Errorf("the log has %s %d times", part, strings.Count(text, part))
		}
	}
}

func TestCopy(t *testing.T) {
	w := newCopyTest(t)
	s, err := w.copy()
	w.must(err)
	if s.Records["key"] != 300 || s.Materials != 300 || s.Continued || s.Source == 0 {
		t.Errorf("%+v", s)
	}
	w.complete()
	w.must(store.New(w.to.Backend, w.keyring.Records()).View(t.Context(), func(v *store.View) error {
		node, _, err := records.SoleNodes.Get(v, records.SoleNodePath)
		w.must(err)
		if n, log, err := records.LastAuditLog(v, node.ID); err != nil || n != 1 || !log.Begun || log.Public != s.AuditKey {
			t.Errorf("%v: log %d of the node has the key %q, and the copy named %q", err, n, log.Public, s.AuditKey)
		}
		return nil
	}))
	if _, err := w.copy(); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a second copy: %v", err)
	}
}

// A slot of one store does not open the material of the other one.
func TestSlotsDiffer(t *testing.T) {
	w := newCopyTest(t)
	_, err := w.copy()
	w.must(err)
	secrets := map[string]bool{}
	for _, slots := range []store.Slots{w.from.Slots, w.to.Slots} {
		w.must(slots.Each(t.Context(), "", func(slot string, damage error) bool {
			secret, err := slots.Get(t.Context(), slot)
			w.must(errors.Join(err, damage))
			if secrets[string(secret)] {
				t.Error("both stores have the secret of a slot")
			}
			secrets[string(secret)] = true
			return true
		}))
	}
	if len(secrets) != 2*301 {
		t.Errorf("%d slots", len(secrets))
	}
}

// A copy that stops at any commit goes on, and nobody can use the target before. Faults come before and after a commit
// is made.
func TestCopyContinues(t *testing.T) {
	w := newCopyTest(t)
	total := 0
	for _, fault := range []storetest.Fault{storetest.Refused, storetest.Silent, storetest.Lost, storetest.Late} {
		for at := 0; at == 0 || at < total; at++ {
			w.to = newSide()
			memory, commits := w.to.Backend, 0
			faulty := &storetest.Faulty{Backend: memory, Next: func(store.Batch) (storetest.Fault, time.Duration) {
				if commits++; commits == at+1 {
					return fault, 0
				}
				return storetest.None, 0
			}}
			w.to.Backend = faulty
			_, err := w.copy()
			if fault == storetest.Refused {
				if !errors.Is(err, storetest.ErrCut) {
					t.Fatalf("stopped at commit %d: %v", at, err)
				}
				if _, err := records.OpenKeyring(t.Context(), memory, w.root, at > 0); at > 0 && !errors.Is(err, records.ErrUnfinishedCopy) {
					t.Fatalf("stopped at commit %d, the target opens: %v", at, err)
				}
				var s Summary
				s, err = w.copy()
				if s.Continued != (at > 0) {
					t.Errorf("stopped at commit %d: continued %v", at, s.Continued)
				}
			}
			if err != nil {
				t.Fatalf("fault %d at commit %d: %v", fault, at, err)
			}
			if made, err := faulty.Release(t.Context()); made > 0 || err != nil {
				t.Fatalf("fault %d at commit %d was made later: %v", fault, at, err)
			}
			w.to.Backend, total = memory, max(total, commits-2)
			if at%5 == 0 {
				w.complete()
			}
		}
	}
	if total < 10 {
		t.Errorf("only %d commits", total)
	}
}

func TestCopyRefuses(t *testing.T) {
	stamped := func(rev int) string { return fmt.Sprintf(`{"eventID":"x","storeRevision":%d}`+"\n", rev) }
	for _, test := range []struct {
		name    string
		arrange func(w *copyTest)
		want    error
	}{
		{"a serving node", func(w *copyTest) {
			w.update(func(tx *store.Tx) error {
				return records.Confirmations.Put(tx, "ONE", records.Confirmation{Incarnation: "X"})
			})
		}, ErrServing},
		{"a newer format", func(w *copyTest) {
			w.update(func(tx *store.Tx) error {
				_, _, err := records.Formats.Get(tx, records.FormatPath)
				return errors.Join(err, records.Formats.Put(tx, records.FormatPath, records.Format{Format: records.NewestFormat + 1}))
			})
		}, records.ErrNewerFormat},
		{"an older format", func(w *copyTest) {
			w.update(func(tx *store.Tx) error {
				_, _, err := records.Formats.Get(tx, records.FormatPath)
				return errors.Join(err, records.Formats.Put(tx, records.FormatPath, records.Format{Format: records.NewestFormat - 1}))
			})
		}, ErrOlderFormat},
		{"another root key", func(w *copyTest) { w.root = seal.NewEphemeralRoot() }, seal.ErrWrongRoot},
		{"no deployment", func(w *copyTest) { w.from = newSide() }, records.ErrNotInitialised},
		{"an older store", func(w *copyTest) { w.log = stamped(1 << 30) }, ErrUnsound},
		{"a damaged log", func(w *copyTest) { w.log = "no event\n" + stamped(1) }, ErrUnsound},
		{"another deployment in the target", func(w *copyTest) { w.to = newCopyTest(w.T).from }, ErrNotEmpty},
		{"a record in the target", func(w *copyTest) {
			_, err := w.to.Backend.Commit(w.Context(), store.Batch{Writes: []store.Write{{Key: []byte("x"), Value: []byte("y")}}})
			w.must(err)
		}, ErrNotEmpty},
		{"a slot in the target", func(w *copyTest) {
			_, err := w.to.Slots.Put(w.Context(), make([]byte, store.SlotSize))
			w.must(err)
		}, ErrNotEmpty},
		{"a copy of another deployment in the target", func(w *copyTest) {
			other := newCopyTest(w.T)
			other.stop(5)
			w.to = other.to
		}, ErrNotEmpty},
		{"a source that changed since", func(w *copyTest) {
			w.stop(5)
			w.update(func(tx *store.Tx) error { return records.Clocks.Put(tx, records.ClockPath, records.Clock{}) })
		}, ErrChanged},
		{"a node that started since", func(w *copyTest) {
			w.from.Shared = true
			w.stop(5)
			w.update(func(tx *store.Tx) error { return records.Fences.Put(tx, "ONE", records.Fence{Incarnation: "X"}) })
		}, ErrChanged},
		{"a node that starts meanwhile", func(w *copyTest) {
			w.from.Shared = true
			w.at(5, func() {
				w.update(func(tx *store.Tx) error { return records.Fences.Put(tx, "ONE", records.Fence{Incarnation: "X"}) })
			})
		}, ErrChanged},
		{"another copy meanwhile", func(w *copyTest) {
			to := w.to
			w.at(5, func() {
				other := *w
				other.to = to
				if _, err := other.copy(); err != nil {
					w.Error(err)
				}
			})
		}, ErrOtherCopy},
		{"a damaged record", func(w *copyTest) {
			item := w.content(w.from.Backend, "key-text/")[7]
			item.Value[len(item.Value)-1] ^= 1
			_, err := w.from.Backend.Commit(w.Context(), store.Batch{Writes: []store.Write{{Key: item.Key, Value: item.Value}}})
			w.must(err)
		}, ErrUnsound},
		{"a lost slot", func(w *copyTest) {
			w.must(w.from.Slots.Each(w.Context(), "", func(slot string, _ error) bool {
				w.must(w.from.Slots.Erase(w.Context(), slot))
				return false
			}))
		}, store.ErrNoSlot},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newCopyTest(t)
			test.arrange(w)
			_, err := w.copy()
			if !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if errors.Is(err, ErrUnsound) != (len(w.findings) > 0) {
				t.Errorf("findings: %v", w.findings)
			}
			if test.want == ErrNotEmpty || test.want == ErrOtherCopy {
				return
			}
			if _, err := records.OpenKeyring(t.Context(), w.to.Backend, w.root, false); err == nil {
				t.Error("the target can be used")
			}
		})
	}
}

// at calls fn once before a commit to the target.
func (w *copyTest) at(commit int, fn func()) {
	commits := 0
	w.to.Backend = &storetest.Faulty{Backend: w.to.Backend, Next: func(store.Batch) (storetest.Fault, time.Duration) {
		if commits++; commits == commit {
			fn()
		}
		return storetest.None, 0
	}}
}

// stop begins a copy that stops before a commit.
func (w *copyTest) stop(commit int) {
	w.Helper()
	backend, commits := w.to.Backend, 0
	w.to.Backend = &storetest.Faulty{Backend: backend, Next: func(store.Batch) (storetest.Fault, time.Duration) {
		if commits++; commits >= commit {
			return storetest.Refused, 0
		}
		return storetest.None, 0
	}}
	if _, err := w.copy(); !errors.Is(err, storetest.ErrCut) {
		w.Fatal(err)
	}
	w.to.Backend = backend
}

// A copy for several nodes has a node that has stopped: the others take over its events and forget it.
func TestCopyToSharedStore(t *testing.T) {
	w := newCopyTest(t)
	w.to.Shared = true
	s, err := w.copy()
	w.must(err)
	if s.AuditKey != "" {
		t.Errorf("nodes that do not exist yet have the key %q", s.AuditKey)
	}
	w.complete()
	w.must(store.New(w.to.Backend, w.keyring.Records()).View(context.Background(), func(v *store.View) error {
		nodes, err := records.Nodes.Scan(v, "", "", 10)
		if err != nil || len(nodes) != 1 || !nodes[0].Value.Stopped || nodes[0].Value.Removal == nil {
			t.Fatalf("%v: %+v", err, nodes)
		}
		events, err := records.Outbox.Scan(v, records.OutboxPath(nodes[0].Path, ""), "", 10)
		if len(events) != 2 {
			t.Errorf("%d events", len(events))
		}
		return err
	}))
}

// nodeLog makes the source a shared one whose node ONE has a log of two events, and returns the log.
func (w *copyTest) nodeLog(revision int64) (log string) {
	w.Helper()
	w.from.Shared = true
	last := ""
	for range 2 {
		last = uuid.NewString()
		line, err := audit.Event{EventName: "Decrypt", EventID: last, EventTime: time.Now()}.Line()
		w.must(err)
		log += string(audit.Stamp(line, revision))
	}
	w.update(func(tx *store.Tx) error {
		for _, id := range []string{"ONE", "TWO"} {
			if _, _, err := records.Nodes.Get(tx, id); err != nil {
				return err
			}
		}
		return errors.Join(
			records.Nodes.Put(tx, "ONE", records.Node{Incarnation: "X", Level: 2, Beat: 2, Address: "one.example:8443", LogBytes: int64(len(log)), LastEvent: last}),
			records.Nodes.Put(tx, "TWO", records.Node{Incarnation: "Y", Level: 2, Beat: 2, LogBytes: 77}))
	})
	return log
}

// A log that is not whole, of another node, or newer than the store, ends the copy, and so does a node that is unknown.
// The event of the copy names the logs of the nodes, with the SHA-256 of those that were given.
func TestLogsOfNodes(t *testing.T) {
	w := newCopyTest(t)
	for _, test := range []struct {
		name, want string
		revision   int64
		wrong      func(log string) map[string]string
	}{
		{"a part", "audit log of node ONE: the copy of the audit log is not whole", 1, func(log string) map[string]string {
			return map[string]string{"ONE": log[:strings.Index(log, "\n")+1]}
		}},
		{"lines in another order", "audit log of node ONE: the copy of the audit log is not whole", 1, func(log string) map[string]string {
			first, second, _ := strings.Cut(log, "\n")
			return map[string]string{"ONE": second + first + "\n"}
		}},
		{"newer than the store", "audit log of node ONE: the store is older", 1 << 40, func(log string) map[string]string {
			return map[string]string{"ONE": log}
		}},
		{"no node", "", 1, func(log string) map[string]string { return map[string]string{"ONE": log, "NO": log} }},
	} {
		log := w.nodeLog(test.revision)
		w.logs, w.findings = test.wrong(log), nil
		_, err := w.copy()
		found := strings.Join(w.findings, "\n")
		if test.want == "" && (!errors.Is(err, ErrNoNode) || !strings.HasSuffix(err.Error(), ": NO")) ||
			test.want != "" && (!errors.Is(err, ErrUnsound) || !strings.Contains(found, test.want)) {
			t.Errorf("%s: %v, %s", test.name, err, found)
		}
		if left := w.content(w.to.Backend, ""); len(left) > 0 {
			t.Errorf("%s: the target has %s", test.name, left[0].Key)
		}
	}
	log := w.nodeLog(1)
	w.logs = map[string]string{"ONE": log}
	s, err := w.copy()
	w.must(err)
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(log)))
	want := []NodeLog{{ID: "ONE", Address: "one.example:8443", Bytes: int64(len(log)), SHA256: digest}, {ID: "TWO", Bytes: 77}}
	if !slices.Equal(s.Nodes, want) {
		t.Errorf("%+v", s.Nodes)
	}
	path := filepath.Join(t.TempDir(), "audit.log")
	_, closeAll := w.open(w.to, path, false)
	closeAll()
	text, err := os.ReadFile(path)
	w.must(err)
	if part := fmt.Sprintf(`"sourceLogs":[{"nodeId":"ONE","bytes":%d,"sha256":"%s"},{"nodeId":"TWO","bytes":77}]`, len(log), digest); !strings.Contains(string(text), part) {
		t.Errorf("the log lacks %s:\n%s", part, text)
	}
}
