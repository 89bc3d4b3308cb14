package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// golden has one folder for each change of a record format, made by the last program before the
// change (TestMakeGolden).
const golden = "testdata/golden"

// A goldenFolder is a copy of a folder that an older program made.
type goldenFolder struct {
	t             *testing.T
	data, rootKey string
	answers       goldenAnswers
}

// eachGolden runs a test on a copy of each golden folder.
func eachGolden(t *testing.T, test func(*testing.T, *goldenFolder)) {
	t.Helper()
	entries, err := os.ReadDir(golden)
	if err != nil || len(entries) == 0 {
		t.Fatal("there is no golden folder", err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			test(t, copyGolden(t, e.Name()))
		})
	}
}

// copyGolden copies a folder, with the permissions that a data folder needs.
func copyGolden(t *testing.T, name string) *goldenFolder {
	t.Helper()
	dir := t.TempDir()
	f := &goldenFolder{t: t, data: filepath.Join(dir, "data"), rootKey: filepath.Join(dir, "root-key")}
	f.must(os.Mkdir(f.data, 0o700))
	from := filepath.Join(golden, name)
	f.must(filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		f.must(err)
		relative, err := filepath.Rel(from, path)
		f.must(err)
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(f.data, relative), 0o700)
		}
		content, err := os.ReadFile(path)
		f.must(err)
		name, isPacked := strings.CutSuffix(relative, packed)
		if isPacked {
			content = unpack(t, content)
		}
		switch to := filepath.Join(f.data, name); name {
		case "answers.json":
			f.must(json.Unmarshal(content, &f.answers))
		case "root-key":
			f.must(os.WriteFile(f.rootKey, content, 0o600))
		default:
			f.must(os.WriteFile(to, content, 0o600))
		}
		return nil
	}))
	return f
}

func (f *goldenFolder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// open opens the folder. The clock of keys starts at the moment at which the folder was made, so
// nothing has expired. log receives the operator's log.
func (f *goldenFolder) open(log *bytes.Buffer, alter func(*service.Config)) (d host.Deployment, s *service.Service, err error) {
	d, err = host.OpenFolder(f.data, rootOptions{root: custody.KeyFile(f.rootKey)}.openRoot, func(error) {})
	if err != nil {
		return d, nil, err
	}
	begun := time.Now()
	c := d.Config()
	c.Clock = service.NewClock(func() time.Time { return f.answers.Made.Add(time.Since(begun)) })
	c.Log = slog.New(slog.NewTextHandler(log, nil))
	if alter != nil {
		alter(&c)
	}
	s, err = service.Open(context.Background(), c)
	return d, s, err
}

// checkAnswers starts a server on the folder and compares every answer with the answer of the
// program that made the folder. It returns the operator's log.
func (f *goldenFolder) checkAnswers() string {
	f.t.Helper()
	var log bytes.Buffer
	d, s, err := f.open(&log, nil)
	f.must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	_, err = s.ServeRegions(f.t.Context(), []string{east, west})
	f.must(err)
	h := server.New(&server.Handler{Service: s, Verifier: host.Verifier(s), Log: slog.New(slog.DiscardHandler)}, conns.Config{})
	go h.Serve(listener)
	g := goldenCaller{f.t, "http://" + listener.Addr().String(), f.answers.Credentials}
	for _, c := range f.answers.Calls {
		g.replay(c)
	}
	f.must(h.Close())
	f.must(d.Close(s))
	return log.String()
}

func (g *goldenCaller) replay(c goldenCall) {
	g.t.Helper()
	request := []byte(c.Request)
	var form string
	if json.Unmarshal(request, &form) == nil {
		request = []byte(form)
	}
	status, answer := g.send(c.As, c.Region, c.Target, request)
	if status != c.Status || len(c.Answer) > 0 && !reflect.DeepEqual(decode(g.t, answer), decode(g.t, c.Answer)) {
		g.t.Errorf("%s by %s in %s of %s: %d %s\nwant %d %s", c.Target, c.As, c.Region, request, status, answer, c.Status, c.Answer)
	}
}

func decode(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// checkVerify runs keyhold verify on the folder, and returns its output.
func (f *goldenFolder) checkVerify() string {
	f.t.Helper()
	var out bytes.Buffer
	v := &verification{place: place{data: f.data, rootOptions: rootOptions{root: custody.KeyFile(f.rootKey)}}, out: &out}
	f.must(v.run(f.t.Context()))
	f.must(v.close())
	if v.findings > 0 {
		f.t.Errorf("keyhold verify finds\n%s", &out)
	}
	return out.String()
}

// contents returns the files of the folder.
func (f *goldenFolder) contents() map[string]string {
	f.t.Helper()
	entries, err := os.ReadDir(f.data)
	f.must(err)
	all := map[string]string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(f.data, e.Name()))
		f.must(err)
		all[e.Name()] = string(content)
	}
	return all
}

// TestGoldenFolders opens the folders of older programs. They give the same answers before and after
// the migration of their records, and keyhold verify finds them sound.
func TestGoldenFolders(t *testing.T) {
	eachGolden(t, func(t *testing.T, f *goldenFolder) {
		if out := f.checkVerify(); !strings.Contains(out, "the next start brings them to format") {
			t.Errorf("keyhold verify does not say that the records are old:\n%s", out)
		}
		for _, migrates := range []bool{true, false} { // the first start, and the next
			if log := f.checkAnswers(); strings.Contains(log, "the records have the newer format") != migrates {
				t.Errorf("migrated: want %v:\n%s", migrates, log)
			}
			f.checkVerify()
		}
	})
}

// TestGoldenFoldersKilledInMigration kills the first start at each commit of the migration. The next
// start must complete the migration without a loss.
func TestGoldenFoldersKilledInMigration(t *testing.T) {
	entries, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for _, persist := range []bool{false, true} {
			left := 0
			for died := true; died; left++ {
				f := copyGolden(t, e.Name())
				var log bytes.Buffer
				d, s, err := f.open(&log, func(c *service.Config) {
					c.Backend = &storetest.Killed{Backend: c.Backend, Left: left, Persist: persist}
				})
				if died = errors.Is(err, storetest.ErrKilled); !died {
					f.must(err)
				}
				f.must(d.Close(s))
				f.checkVerify()
				f.checkAnswers()
				f.checkVerify()
			}
			if left < 3 {
				t.Errorf("%s: killed at %d commits only: a migration ends with a commit, and a start with another", e.Name(), left-1)
			}
		}
	}
}

// TestNewerFolderIsRefused checks that the program names the newer version of a folder in its error,
// and does not change the folder.
func TestNewerFolderIsRefused(t *testing.T) {
	entries, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	for name, alter := range map[string]func(f *goldenFolder){"records": (*goldenFolder).makeRecordsNewer, "file": (*goldenFolder).makeFileNewer} {
		f := copyGolden(t, entries[0].Name())
		alter(f)
		before := f.contents()
		var log bytes.Buffer
		d, s, err := f.open(&log, nil)
		f.must(d.Close(s))
		v := &verification{place: place{data: f.data, rootOptions: rootOptions{root: custody.KeyFile(f.rootKey)}}, out: &log}
		verified := v.run(t.Context())
		f.must(v.close())
		for _, err := range []error{err, verified} {
			text := fmt.Sprint(explainOpen(err, f.data, custody.KeyFile(f.rootKey)))
			if !strings.Contains(text, "made by a newer version of the program: format 99") || !strings.Contains(text, "Run that version; this version has changed nothing") {
				t.Errorf("%s: %s", name, text)
			}
		}
		if !maps.Equal(before, f.contents()) {
			t.Errorf("%s: something was changed", name)
		}
	}
}

// makeRecordsNewer writes 99 as the format of the records.
func (f *goldenFolder) makeRecordsNewer() {
	f.t.Helper()
	d, err := host.OpenFolder(f.data, rootOptions{root: custody.KeyFile(f.rootKey)}.openRoot, func(error) {})
	f.must(err)
	var kept store.Item
	f.must(d.Backend.View(f.t.Context(), func(r store.Reader) (err error) {
		kept, err = store.ReadItem(r, []byte("keyring"))
		return err
	}))
	keyring, err := seal.OpenKeyring(f.t.Context(), d.Root, kept.Value)
	f.must(err)
	path := []byte("format/records")
	sealed, err := keyring.Records().Seal(path, []byte(`{"format":99}`))
	f.must(err)
	_, err = d.Backend.Commit(f.t.Context(), store.Batch{Writes: []store.Write{{Key: path, Value: sealed}}})
	f.must(err)
	f.must(d.Close(nil))
}

// makeFileNewer writes 99 as the format of the database.
func (f *goldenFolder) makeFileNewer() {
	f.t.Helper()
	b, err := bbolt.Open(filepath.Join(f.data, local.FileName), 0o600, nil)
	f.must(err)
	f.must(b.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("format"), binary.BigEndian.AppendUint64(nil, 99))
	}))
	f.must(b.Close())
}
