package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/recipients"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

const account = "111122223333"

// A deployment is a store in memory with keys, and the identity that opens its backups.
type deployment struct {
	*testing.T
	Source
	root      seal.Root
	identity  recipients.Identity
	recipient recipients.Recipient
	keys      []key.Key
}

func newDeployment(t *testing.T, keys int) *deployment {
	t.Helper()
	d := &deployment{T: t, Source: Source{Backend: memory.New(), Slots: memory.NewSlots(), Program: "v1"}}
	d.root = seal.NewEphemeralRoot()
	keyring, err := records.OpenKeyring(t.Context(), d.Backend, d.root, true)
	d.must(err)
	d.Keyring = keyring
	d.newIdentity()
	d.update(func(tx *store.Tx) error {
		return errors.Join(records.Deployments.Put(tx, records.DeploymentPath, records.Deployment{Account: account}),
			records.DeploymentIDs.Put(tx, records.DeploymentIDPath, records.DeploymentID{ID: "AAAABBBBCCCCDDDD"}))
	})
	for i := range keys {
		d.addKey([]key.Origin{key.OriginExternal, key.OriginAWSKMS}[i%2])
	}
	return d
}

// newIdentity makes another identity that opens later backups.
func (d *deployment) newIdentity() {
	d.Helper()
	text, r, err := recipients.Generate(recipients.Kinds()[0])
	d.must(err)
	all, err := recipients.ParseIdentities(text, nil)
	d.must(err)
	d.identity, d.recipient = all[0], r
}

func (d *deployment) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *deployment) update(fn func(tx *store.Tx) error) {
	d.Helper()
	d.must(store.New(d.Backend, d.Keyring.Records()).Update(d.Context(), fn))
}

func (d *deployment) addKey(origin key.Origin) {
	d.Helper()
	k := key.Key{
		ID: uuid.NewString(), Account: account, Region: "eu-west-2", Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt,
		Origin: origin, State: key.PendingImport, CreationDate: time.Now().UTC(), Policy: key.DefaultPolicy(account),
	}
	plain := crypt.NewSymmetricMaterial()
	id, err := crypt.MaterialID(k.ID, plain)
	d.must(err)
	m, err := material.NewSealer(d.Slots, d.Keyring.Materials()).Seal(d.Context(), k, id, plain)
	d.must(err)
	k, err = k.ImportMaterial(m, nil)
	d.must(err)
	d.update(func(tx *store.Tx) error { return records.InsertKey(tx, k, records.NewestLevel) })
	d.keys = append(d.keys, k)
}

func noPause(context.Context, int64) error { return nil }
func noProgress(int64)                     {}

// make writes a backup to a file.
func (d *deployment) make(o Options) (path string, t Trailer) {
	d.Helper()
	var file bytes.Buffer
	o.Recipients, o.Now = []recipients.Recipient{d.recipient}, time.Now()
	if o.Page == nil {
		o.Page = noPause
	}
	t, err := Make(d.Context(), d.Source, o, &file)
	d.must(err)
	return d.write(file.Bytes()), t
}

func (d *deployment) write(content []byte) (path string) {
	d.Helper()
	path = filepath.Join(d.TempDir(), "a.backup")
	d.must(os.WriteFile(path, content, 0o600))
	return path
}

// check opens and checks a backup.
func (d *deployment) check(path string) (s Summary, err error) {
	f, err := Open(path, []recipients.Identity{d.identity})
	if err != nil {
		return s, err
	}
	defer f.Close()
	return f.Check(d.Context(), d.Keyring, noProgress)
}

// A backup has every record of the store and every secret, and nothing of this can be read without the identity.
func TestBackup(t *testing.T) {
	d := newDeployment(t, 300)
	path, made := d.make(Options{})
	s, err := d.check(path)
	d.must(err)
	if s.Trailer.Records != made.Records || s.Materials != 300 || s.Slots != 300 || s.Missing != 0 || !s.Proved {
		t.Errorf("%+v, made %+v", s, made)
	}
	f, err := Open(path, []recipients.Identity{d.identity})
	d.must(err)
	defer f.Close()
	h := f.Header
	if h.Account != account || h.Deployment != "AAAABBBBCCCCDDDD" || h.Records != records.NewestFormat || h.Program != "v1" || h.Format != 1 {
		t.Errorf("%+v", h)
	}
	_, err = f.Check(t.Context(), d.Keyring, noProgress)
	d.must(err)
	d.must(f.View(t.Context(), func(got store.Reader) error {
		return d.Backend.View(t.Context(), func(want store.Reader) error { return sameRecords(got, want) })
	}))
	file, err := os.ReadFile(path)
	d.must(err)
	for _, secret := range []string{"eu-west-2", account, d.keys[0].ID, "keyring"} {
		if bytes.Contains(file, []byte(secret)) {
			t.Errorf("the backup shows %q", secret)
		}
	}
}

// sameRecords compares all records but the keyring.
func sameRecords(got, want store.Reader) error {
	all, err := want.Scan(nil, nil, 1<<20)
	if err != nil {
		return err
	}
	var from []byte
	for _, w := range all {
		if string(w.Key) == records.KeyringPath {
			continue
		}
		g, err := got.Scan(from, nil, 1)
		if err != nil || len(g) != 1 || !bytes.Equal(g[0].Key, w.Key) || !bytes.Equal(g[0].Value, w.Value) {
			return fmt.Errorf("%s: got %v, %v", w.Key, g, err)
		}
		from = append(w.Key, 0)
	}
	if g, err := got.Scan(from, nil, 1); err != nil || len(g) > 0 {
		return fmt.Errorf("more records: %v, %v", g, err)
	}
	return nil
}

// A backup does not have material that is destroyed while it is made, and no imported material if the request leaves it
// out.
func TestMissingSlots(t *testing.T) {
	d := newDeployment(t, 300)
	erased := false
	path, made := d.make(Options{Page: func(context.Context, int64) error {
		if !erased {
			erased = true
			return d.Slots.Erase(t.Context(), d.slotsBehind(records.Keys.Prefix+"/"+account+"/eu-west-2/f")...)
		}
		return nil
	}})
	s, err := d.check(path)
	d.must(err)
	if s.Missing == 0 || made.Missing != s.Missing || s.Materials != s.Slots || s.Materials+s.Missing != 300 {
		t.Errorf("erased meanwhile: %+v", s)
	}

	d = newDeployment(t, 10)
	path, _ = d.make(Options{WithoutImported: true})
	if s, err = d.check(path); err != nil || s.Missing != 5 || s.Materials != 5 {
		t.Errorf("without imported material: %+v, %v", s, err)
	}
}

// slotsBehind returns the slots of the keys whose path is not before first.
func (d *deployment) slotsBehind(first string) (slots []string) {
	for _, k := range d.keys {
		if records.Keys.Prefix+"/"+records.PathOf(k) >= first {
			slots = append(slots, k.Slots()...)
		}
	}
	return slots
}

// Flipped bits and missing ends are refused, with and without the identity.
func TestDamagedFiles(t *testing.T) {
	d := newDeployment(t, 3)
	path, _ := d.make(Options{})
	whole, err := os.ReadFile(path)
	d.must(err)
	refused := func(what string, content []byte) {
		t.Helper()
		name := d.write(content)
		f, err := OpenOuter(name)
		if err == nil {
			f.Close()
			t.Errorf("%s: the outer form is accepted", what)
		}
		if _, err := d.check(name); !isCause(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	near := func(at int) bool { return at < 60 || at > len(whole)-endSize-20 || at%41 == 0 }
	for at := range whole {
		if !near(at) {
			continue
		}
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1 << (at % 8)
		refused(fmt.Sprintf("bit of byte %d", at), flipped)
	}
	for size := range len(whole) {
		if !near(size) {
			continue
		}
		refused(fmt.Sprintf("%d bytes", size), whole[:size])
	}
	refused("a byte more", append(bytes.Clone(whole), 'x'))
	refused("twice", append(bytes.Clone(whole), whole...))
}

func isCause(err error) bool {
	return errors.Is(err, ErrNotBackup) || errors.Is(err, ErrNotWhole) || errors.Is(err, ErrDamaged) || errors.Is(err, ErrNewerFormat)
}

// A person with the recipients can encrypt, but cannot make a backup: a splice of two backups, records that are left
// out, and a trailer of another deployment are refused.
func TestForgedBackups(t *testing.T) {
	d := newDeployment(t, 10)
	other := newDeployment(t, 10)
	path, _ := d.make(Options{})
	d.addKey(key.OriginAWSKMS)
	later, _ := d.make(Options{})
	for _, c := range []struct {
		name string
		edit func(chunks []chunkOf) []chunkOf
		want string
	}{
		{"no change", func(all []chunkOf) []chunkOf { return all }, ""},
		{"a header of a later backup", func(all []chunkOf) []chunkOf {
			all[0] = d.chunks(later)[0]
			return all
		}, "its trailer was not made by the deployment"},
		{"records of a later backup", func(all []chunkOf) []chunkOf {
			all[1] = d.chunks(later)[1]
			return all
		}, "its trailer names"},
		{"records and a corrected trailer", func(all []chunkOf) []chunkOf {
			all[1] = d.chunks(later)[1]
			all[2].payload = bytes.Replace(all[2].payload, []byte(`"records":13,"slots":10`), []byte(`"records":14,"slots":11`), 1)
			return all
		}, "its trailer was not made by the deployment"},
		{"no records", func(all []chunkOf) []chunkOf { return []chunkOf{all[0], all[2]} }, "its trailer names"},
		{"records twice", func(all []chunkOf) []chunkOf {
			return []chunkOf{all[0], all[1], all[1], all[2]}
		}, "not in the order"},
		{"no trailer", func(all []chunkOf) []chunkOf { return all[:2] }, "not whole"},
		{"something after the trailer", func(all []chunkOf) []chunkOf { return append(all, all[2]) }, "follow its trailer"},
		{"no header", func(all []chunkOf) []chunkOf { return all[1:] }, "does not begin with a header"},
		{"an unknown chunk", func(all []chunkOf) []chunkOf {
			all[1].kind = 'X'
			return all
		}, "unknown kind"},
		{"a newer format", func(all []chunkOf) []chunkOf {
			all[0].payload = bytes.Replace(all[0].payload, []byte(`"format":1,"program":"v1"`), []byte(`"format":2,"program":"v9"`), 1)
			return all
		}, "v9 made it, with format 2"},
	} {
		_, err := d.check(d.rebuild(c.edit(d.chunks(path))))
		if c.want == "" && err != nil || c.want != "" && (!isCause(err) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	d.Keyring = other.Keyring
	if _, err := d.check(path); !errors.Is(err, ErrDamaged) {
		t.Errorf("another deployment: %v", err)
	}
}

// A chunkOf is a chunk of a backup.
type chunkOf struct {
	kind    byte
	payload []byte
}

func (d *deployment) chunks(path string) (all []chunkOf) {
	d.Helper()
	f, err := Open(path, []recipients.Identity{d.identity})
	d.must(err)
	defer f.Close()
	plain, err := decrypt(io.NewSectionReader(f.file, f.begin, f.end-f.begin), f.identities)
	d.must(err)
	r := &reader{from: plain}
	for {
		kind, _, payload, err := r.next()
		if err != nil {
			return all
		}
		all = append(all, chunkOf{kind, payload})
	}
}

// rebuild encrypts chunks, which needs only the recipients.
func (d *deployment) rebuild(all []chunkOf) (path string) {
	d.Helper()
	var file bytes.Buffer
	outer, err := newOuterWriter(&file)
	d.must(err)
	w, err := recipients.Seal(outer, d.recipient)
	d.must(err)
	for _, c := range all {
		_, err := w.Write(append(appendHead(nil, c.kind, len(c.payload)), c.payload...))
		d.must(err)
	}
	d.must(errors.Join(w.Close(), outer.finish()))
	return d.write(file.Bytes())
}

func TestWrongIdentity(t *testing.T) {
	d := newDeployment(t, 1)
	path, _ := d.make(Options{})
	d.newIdentity()
	if _, err := d.check(path); !errors.Is(err, ErrWrongIdentity) {
		t.Error(err)
	}
	f, err := OpenOuter(path)
	d.must(err)
	if info, err := os.Stat(path); err != nil || f.Bytes+int64(endSize) != info.Size() {
		t.Errorf("%+v, %v", f.Outer, err)
	}
	d.must(f.Close())
}

func TestNewerOuterForm(t *testing.T) {
	d := newDeployment(t, 0)
	_, err := OpenOuter(d.write([]byte("keyhold-backup/2\nanything")))
	if !errors.Is(err, ErrNewerFormat) || !strings.Contains(err.Error(), "format 2, and this version reads formats up to 1") {
		t.Error(err)
	}
}

// A data key that is replaced meanwhile seals a trailer that the keyring in the header cannot open.
func TestDataKeyChanges(t *testing.T) {
	d := newDeployment(t, 1)
	_, err := Make(t.Context(), d.Source, Options{
		Recipients: []recipients.Recipient{d.recipient}, Now: time.Now(),
		Page: func(ctx context.Context, _ int64) error {
			item, err := d.wrapped()
			if err != nil {
				return err
			}
			o, err := seal.Open(ctx, d.root, item)
			if err != nil {
				return err
			}
			err = o.AddDataKey(ctx, time.Now())
			o.UseDataKeys()
			d.Keyring.Replace(o.Keyring())
			return err
		},
	}, io.Discard)
	if !errors.Is(err, ErrDataKeyChanged) {
		t.Error(err)
	}
}

func (d *deployment) wrapped() (value []byte, err error) {
	err = d.Backend.View(d.Context(), func(r store.Reader) error {
		item, err := store.ReadItem(r, []byte(records.KeyringPath))
		value = item.Value
		return err
	})
	return value, err
}

// An error of a page or of the writer ends the backup.
func TestMakeFails(t *testing.T) {
	d := newDeployment(t, 1)
	stop := errors.New("stop")
	o := Options{Recipients: []recipients.Recipient{d.recipient}, Page: func(context.Context, int64) error { return stop }}
	if _, err := Make(t.Context(), d.Source, o, io.Discard); !errors.Is(err, stop) {
		t.Errorf("a page that ends the backup: %v", err)
	}
	path, _ := d.make(Options{})
	whole, err := os.ReadFile(path)
	d.must(err)
	o.Page = noPause
	for room := 0; room < len(whole)-10; room += 97 {
		if _, err := Make(t.Context(), d.Source, o, &shortWriter{room: room}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

// A shortWriter fails when its room is used up.
type shortWriter struct{ room int }

func (w *shortWriter) Write(b []byte) (int, error) {
	if w.room -= len(b); w.room < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

// A roomyBackend grows by a number of bytes each time it is asked.
type roomyBackend struct {
	store.Backend
	used, free, grows int64
	err               error
}

func (b *roomyBackend) Room() (used, free int64, err error) {
	b.used += b.grows
	return b.used, b.free, b.err
}

// A backup may let a store grow by the larger of its size and 1 GiB, but by at most half of the free space.
func TestGrowthLimit(t *testing.T) {
	for _, test := range []struct{ used, free, most int64 }{
		{1, 100 << 30, 1 << 30},
		{1 << 30, 100 << 30, 1 << 30},
		{4 << 30, 100 << 30, 4 << 30},
		{4 << 30, 300 << 20, 150 << 20},
	} {
		b := &roomyBackend{used: test.used, free: test.free}
		check, err := Source{Backend: b}.limitGrowth()
		if err != nil {
			t.Fatal(err)
		}
		if b.used += test.most; check() != nil {
			t.Errorf("%+v: %v at the limit", test, check())
		}
		if b.used++; !errors.Is(check(), ErrGrown) {
			t.Errorf("%+v: %v above the limit", test, check())
		}
	}
}

// A backup ends when the store has grown too much meanwhile.
func TestBackupEndsWhenTheStoreGrows(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		room roomyBackend
		want error
	}{
		"no growth":            {roomyBackend{used: 1, free: 100 << 30}, nil},
		"a small store":        {roomyBackend{used: 1, free: 100 << 30, grows: 1<<30 + 1}, ErrGrown},
		"a small store, less":  {roomyBackend{used: 1, free: 100 << 30, grows: 200 << 20}, nil},
		"a large store":        {roomyBackend{used: 4 << 30, free: 100 << 30, grows: 6 << 30}, ErrGrown},
		"a large store, less":  {roomyBackend{used: 20 << 30, free: 100 << 30, grows: 3 << 30}, nil},
		"little space is free": {roomyBackend{used: 4 << 30, free: 300 << 20, grows: 60 << 20}, ErrGrown},
		"an error":             {roomyBackend{err: broken}, broken},
	} {
		d := newDeployment(t, 300) // five pages
		test.room.Backend = d.Backend
		source := d.Source
		source.Backend = &test.room
		m := NewMaker(source, slog.New(slog.DiscardHandler))
		s, err := m.Prepare(Options{Recipients: []recipients.Recipient{d.recipient}, Now: time.Now()})
		d.must(err)
		d.must(s.Start())
		if _, err := io.Copy(io.Discard, s); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		d.must(s.Close())
		m.Close()
	}
}
