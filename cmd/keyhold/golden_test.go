package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
)

// golden has a folder for each version that changed a format of records, made by the
// last program before the change (TestMakeGolden).
const golden = "testdata/golden"

// A goldenFolder is a copy of a folder that an older program made.
type goldenFolder struct {
	t             *testing.T
	data, rootKey string
	answers       goldenAnswers
}

// copyGolden copies a folder, with the permissions that a data folder needs.
func copyGolden(t *testing.T, name string) *goldenFolder {
	t.Helper()
	dir := t.TempDir()
	f := &goldenFolder{t: t, data: filepath.Join(dir, "data"), rootKey: filepath.Join(dir, "root-key")}
	f.must(os.Mkdir(f.data, 0o700))
	entries, err := os.ReadDir(filepath.Join(golden, name))
	f.must(err)
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(golden, name, e.Name()))
		f.must(err)
		switch to := filepath.Join(f.data, e.Name()); e.Name() {
		case "answers.json":
			f.must(json.Unmarshal(content, &f.answers))
		case "root-key":
			f.must(os.WriteFile(f.rootKey, content, 0o600))
		default:
			f.must(os.WriteFile(to, content, 0o600))
		}
	}
	return f
}

func (f *goldenFolder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// open opens the folder. The clock of keys goes on from the moment at which the folder
// was made, so that nothing of it has expired. log gets the operator's log.
func (f *goldenFolder) open(log *bytes.Buffer, alter func(*service.Config)) (d deployment, s *service.Service, err error) {
	d, err = openData(f.data, f.rootKey, func(error) {})
	if err != nil {
		return d, nil, err
	}
	begun := time.Now()
	c := d.config()
	c.Clock = service.NewClock(func() time.Time { return f.answers.Made.Add(time.Since(begun)) })
	c.Log = slog.New(slog.NewTextHandler(log, nil))
	if alter != nil {
		alter(&c)
	}
	s, err = service.Open(context.Background(), c)
	return d, s, err
}

// checkAnswers starts a server on the folder and holds every answer against that of the
// program that made the folder. It returns the operator's log.
func (f *goldenFolder) checkAnswers() string {
	f.t.Helper()
	var log bytes.Buffer
	d, s, err := f.open(&log, nil)
	f.must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	o := serveOptions{regions: []string{east, west}}
	h := server.New(&server.Handler{Service: s, Verifier: o.verifier(s), Log: slog.New(slog.DiscardHandler)}, conns.Config{})
	go h.Serve(listener)
	g := goldenCaller{f.t, "http://" + listener.Addr().String(), f.answers.Credentials}
	for _, c := range f.answers.Calls {
		g.replay(c)
	}
	f.must(h.Close())
	f.must(d.close(s))
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
	if status != c.Status || len(c.Answer) > 0 && !reflect.DeepEqual(decoded(g.t, answer), decoded(g.t, c.Answer)) {
		g.t.Errorf("%s by %s in %s of %s: %d %s\nwant %d %s", c.Target, c.As, c.Region, request, status, answer, c.Status, c.Answer)
	}
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// checkVerify has keyhold verify look at the folder, and returns what it prints.
func (f *goldenFolder) checkVerify() string {
	f.t.Helper()
	var out bytes.Buffer
	v := &verification{out: &out, data: f.data}
	f.must(v.run(f.t.Context(), f.rootKey))
	f.must(v.close())
	if v.findings > 0 {
		f.t.Errorf("keyhold verify finds\n%s", &out)
	}
	return out.String()
}

// contents are the files of the folder.
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

// What an older program made opens, and answers as it did there: before and after its
// records have come to the format of now, keyhold verify finds it sound.
func TestGoldenFolders(t *testing.T) {
	entries, err := os.ReadDir(golden)
	if err != nil || len(entries) == 0 {
		t.Fatal("there is no golden folder", err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			f := copyGolden(t, e.Name())
			f.checkVerify()
			f.checkAnswers()
			f.checkVerify()
			f.checkAnswers() // of the next start
			f.checkVerify()
		})
	}
}
