package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/transparency"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 123e6, time.UTC)

// event returns the line of an event with every member.
func event(t *testing.T, id, account, region string, at time.Time) []byte {
	t.Helper()
	line, err := audit.Event{
		UserIdentity: audit.Identity{Type: "Root", AccountID: account}, EventTime: at, EventName: "Encrypt", AWSRegion: region,
		SourceIPAddress: "192.0.2.1", UserAgent: `a "client"`, ErrorCode: "AccessDenied", ErrorMessage: "no",
		RequestParameters: []byte(`{"keyId":"k"}`), AdditionalEventData: []byte(`{"grantId":"g"}`), RequestID: "r", EventID: id,
		Resources: []audit.Resource{{ARN: "arn:aws:kms:x", AccountID: account, Type: audit.KeyResource}}, RecipientAccountID: account,
		ServiceEventDetails: []byte(`{"a":1}`), StoreRevision: 7,
	}.Line()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(line, []byte("\n"))
}

// A record has the members of CloudTrail, with the values of the event, and what CloudTrail lacks in one place.
func TestParse(t *testing.T) {
	line := append(event(t, "e", "111122223333", "eu-west-2", noon), "\n"...)
	line = bytes.TrimSuffix(audit.Recovered(line, "node"), []byte("\n"))
	r, err := Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != "e" || r.Account != "111122223333" || r.Region != "eu-west-2" || !r.Time.Equal(noon.Truncate(time.Second)) || !r.Recovered {
		t.Errorf("%+v", r)
	}
	var was, is map[string]any
	if err := errors.Join(json.Unmarshal(line, &was), json.Unmarshal(r.Text, &is)); err != nil {
		t.Fatal(err)
	}
	for name, value := range is {
		if !fields[name] {
			t.Errorf("CloudTrail has no member %s", name)
		}
		if name != "eventTime" && name != additional && fmt.Sprint(value) != fmt.Sprint(was[name]) {
			t.Errorf("%s: %v, was %v", name, value, was[name])
		}
	}
	for name := range was {
		if _, ok := is[name]; fields[name] && !ok {
			t.Errorf("%s is lost", name)
		}
	}
	if is["eventTime"] != "2026-11-30T12:00:00Z" {
		t.Error(is["eventTime"])
	}
	want := `{"grantId":"g","keyhold":{"eventTime":"2026-11-30T12:00:00.123Z","storeRevision":7,"recoveredFrom":"node"}}`
	if !bytes.Contains(r.Text, []byte(`"additionalEventData":`+want)) {
		t.Errorf("%s", r.Text)
	}
	bare, err := Parse([]byte(`{"eventID":"e","eventTime":"2026-11-30T12:00:00Z","chain":"x","additionalEventData":null}`))
	if err != nil || string(bare.Text) != `{"eventID":"e","eventTime":"2026-11-30T12:00:00Z","additionalEventData":{"keyhold":{"eventTime":"2026-11-30T12:00:00Z","chain":"x"}}}` {
		t.Errorf("%s, %v", bare.Text, err)
	}
	for _, text := range []string{
		"", "x", "[]", "null", "{}", `{"eventID":"e"}`, `{"eventID":1,"eventTime":"2026-11-30T12:00:00Z"}`, `{"eventID":"e","eventTime":"noon"}`, `{"eventID":"e","eventTime":"2026-11-30T12:00:00Z"} x`,
		`{"eventID":"e","eventTime":"2026-11-30T12:00:00Z"`, `{"eventID":"e","eventID":"f","eventTime":"2026-11-30T12:00:00Z"}`, `{"eventID":"e","eventTime":"2026-11-30T12:00:00Z","additionalEventData":[]}`,
	} {
		if r, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s is taken for an event: %s", text, r.Text)
		}
	}
}

// twoLogs returns the logs of two nodes. The second node wrote events for the first, one of which both logs have.
func twoLogs(t *testing.T) []Log {
	a, b := &transparency.Memory{}, &transparency.Memory{}
	recovered := func(id string) []byte {
		return audit.Recovered(append(event(t, id, "111122223333", "us-east-1", noon), '\n'), "a")
	}
	a.Append(event(t, "1", "111122223333", "us-east-1", noon))
	a.Append(event(t, "both", "111122223333", "us-east-1", noon))
	b.Append(recovered("both"))
	b.Append(recovered("only the second"))
	b.Append(event(t, "2", "111122223333", "eu-west-2", noon.Add(24*time.Hour)))
	b.Append(event(t, "3", "444455556666", "eu-west-2", noon.Add(24*time.Hour)))
	return []Log{{"a", a}, {"b", b}}
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	result, err := Export(t.Context(), twoLogs(t), Period{}, Lines(&out))
	if err != nil || result != (Result{Exported: 5, Doubles: 1}) || strings.Count(out.String(), "\n") != 5 || strings.Count(out.String(), `"eventID":"both"`) != 1 {
		t.Errorf("%+v, %v\n%s", result, err, &out)
	}
	for p, want := range map[Period]int64{
		{From: noon.Add(time.Second)}:                      2,
		{Until: noon.Add(time.Second)}:                     3,
		{From: noon.Truncate(time.Second), Until: noon}:    3,
		{From: noon.Add(time.Hour), Until: noon.Add(2e12)}: 0,
	} {
		if result, err := Export(t.Context(), twoLogs(t), p, Lines(io.Discard)); err != nil || result.Exported != want {
			t.Errorf("%v: %+v, %v", p, result, err)
		}
	}
	broken := twoLogs(t)
	m := &transparency.Memory{}
	m.Append([]byte("x"))
	if _, err := Export(t.Context(), append(broken, Log{"c", m}), Period{}, Lines(io.Discard)); err == nil || !strings.HasPrefix(err.Error(), "c, line 0: ") {
		t.Error(err)
	}
	if _, err := Export(t.Context(), twoLogs(t), Period{}, Lines(failing{})); !errors.Is(err, errFull) {
		t.Error(err)
	}
}

var errFull = errors.New("no space left on device")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }
func (failing) Close() error              { return nil }

// readFiles returns the IDs of the records in each file below a folder.
func readFiles(t *testing.T, folder string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		var content struct {
			Records []struct{ EventID string }
		}
		d2 := json.NewDecoder(z)
		d2.DisallowUnknownFields()
		var whole map[string]json.RawMessage
		if err := d2.Decode(&whole); err != nil || len(whole) != 1 {
			return fmt.Errorf("%s: %v, %v", path, whole, err)
		}
		if err := json.Unmarshal(whole["Records"], &content.Records); err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name = name[:strings.LastIndexByte(name, '_')]
		for _, r := range content.Records {
			found[name] = append(found[name], r.EventID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFolder(t *testing.T) {
	folder := t.TempDir()
	if _, err := Export(t.Context(), twoLogs(t), Period{}, Folder(folder)); err != nil {
		t.Fatal(err)
	}
	found := readFiles(t, folder)
	for name, want := range map[string][]string{
		"AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/30/111122223333_CloudTrail_us-east-1_20261130T1200Z": {"1", "both", "only the second"},
		"AWSLogs/111122223333/CloudTrail/eu-west-2/2026/12/01/111122223333_CloudTrail_eu-west-2_20261201T1200Z": {"2"},
		"AWSLogs/444455556666/CloudTrail/eu-west-2/2026/12/01/444455556666_CloudTrail_eu-west-2_20261201T1200Z": {"3"},
	} {
		if !slices.Equal(found[name], want) {
			t.Errorf("%s has %v, want %v of %v", name, found[name], want, found)
		}
		delete(found, name)
	}
	if len(found) > 0 {
		t.Error(found)
	}
}

// A line of a damaged log does not choose a file elsewhere.
func TestHostileNames(t *testing.T) {
	folder := t.TempDir()
	m := &transparency.Memory{}
	m.Append([]byte(`{"eventID":"e","eventTime":"2026-11-30T12:00:00Z","recipientAccountId":"../../../x","awsRegion":"/etc\u0000` + strings.Repeat("y", 500) + `"}`))
	m.Append([]byte(`{"eventID":"f","eventTime":"2026-11-30T12:00:00Z"}`))
	if _, err := Export(t.Context(), []Log{{"a", m}}, Period{}, Folder(filepath.Join(folder, "a", "b"))); err != nil {
		t.Fatal(err)
	}
	if found := readFiles(t, filepath.Join(folder, "a", "b")); len(found) != 2 {
		t.Error(found)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// Records in memory have a bound, also when they belong to many files, and none is lost.
func TestMemoryBound(t *testing.T) {
	written, most := 0, 0
	f := &files{batches: map[group]*batch{}}
	f.create = func(group, time.Time) (io.WriteCloser, error) {
		written++
		return nopCloser{io.Discard}, nil
	}
	text := make([]byte, 1<<20)
	for i := range 400 {
		if err := f.Add(Record{Text: text, Account: fmt.Sprint(i % 100), Time: noon}); err != nil {
			t.Fatal(err)
		}
		most = max(most, f.bytes)
	}
	if err := f.Close(); err != nil || f.bytes != 0 || most >= memoryBytes || written < 100 {
		t.Errorf("%d files, at most %d bytes in memory, %d left, %v", written, most, f.bytes, err)
	}
	written = 0
	for range fileBytes/len(text) + 1 {
		if err := f.Add(Record{Text: text, Time: noon}); err != nil {
			t.Fatal(err)
		}
	}
	if written != 1 {
		t.Errorf("%d files of one group", written)
	}
	f.create = func(group, time.Time) (io.WriteCloser, error) { return failing{}, nil }
	if err := f.Close(); !errors.Is(err, errFull) {
		t.Errorf("on a full disk: %v", err)
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
