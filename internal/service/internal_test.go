package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
)

// Each operation has all its parts. The test names missing parts.
func TestOperationsAreComplete(t *testing.T) {
	rules, table := key.ParseRules(), ofAPI(operations(true), api.TargetKMS)
	stories := readAll(t, "../../testdata/*.txtar")
	docs := readAll(t, "../../docs/api.md")
	for name, o := range table {
		if name != o.Name || !api.Known(name) {
			t.Errorf("%s: no operation of the API", name)
		}
		onKey := o.asks[0].On != nil || name == "ListAliases"
		if rules.Covers(name) != onKey {
			t.Errorf("%s: a line in the grid of states: %v, a key to ask for: %v", name, rules.Covers(name), onKey)
		}
		if len(o.asks) == 0 || o.asks[0].Action != "kms:"+name && name != "ReEncrypt" {
			t.Errorf("%s: it asks for nothing of its name", name)
		}
		if !strings.Contains(stories, "kms "+name+" ") && !strings.Contains(stories, "kms "+name+"\n") {
			t.Errorf("%s: in no story", name)
		}
		if !strings.Contains(docs, "| "+name+" |") {
			t.Errorf("%s: not in docs/api.md", name)
		}
	}
	if !strings.Contains(docs, "```\n"+key.Grid()+"\n```") {
		t.Error("docs/api.md does not show the grid of states as it is")
	}
	if !strings.Contains(docs, "```\n"+key.SuiteTable()+"\n```") {
		t.Error("docs/api.md does not show the table of suites as it is")
	}
	for _, table := range []string{rateTable, quotaTable} {
		if !strings.Contains(docs, "```"+table+"```") {
			t.Errorf("docs/api.md does not show this table as it is: %s", table)
		}
	}
	for line := range strings.Lines(key.Grid()) {
		name := strings.Fields(line)[0]
		if _, ok := table[name]; !ok && name != "operation" {
			t.Errorf("%s: a line in the grid of states, but no operation", name)
		}
	}
}

// Each operation outside the KMS API asks for the permission of its name. A server that is not a dev
// server serves only the administrative ones.
func TestOwnOperationsAreComplete(t *testing.T) {
	docs := readAll(t, "../../docs/api.md")
	all := operations(true)
	for name, o := range all {
		if o.Target == api.TargetKMS {
			continue
		}
		if api.Known(name) || name != o.Name {
			t.Errorf("%s: an operation of the API", name)
		}
		if o.Target == api.TargetSTS {
			if len(o.asks) != 0 || !strings.Contains(docs, "| "+name+" |") {
				t.Errorf("%s: it asks for something, or is not in docs/api.md", name)
			}
			continue
		}
		if len(o.asks) != 1 || o.asks[0].Action != "keyhold:"+name || o.asks[0].On != nil && o.asks[0].May == nil {
			t.Errorf("%s: it asks for something else than its name", name)
		}
		if !strings.Contains(docs, o.Target+"."+name) {
			t.Errorf("%s: not in docs/api.md", name)
		}
		if _, served := operations(false)[name]; served != (o.Target == api.TargetAdmin) {
			t.Errorf("%s of %s is served without dev: %v", name, o.Target, served)
		}
	}
	if own := len(all) - len(ofAPI(all, api.TargetKMS)); own < 6 {
		t.Errorf("%d own operations were looked at", own)
	}
}

// ofAPI returns the rows of one API.
func ofAPI(table map[string]Operation, target string) map[string]Operation {
	rows := map[string]Operation{}
	for name, o := range table {
		if o.Target == target {
			rows[name] = o
		}
	}
	return rows
}

func readAll(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s (%v)", pattern, err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

func TestWrappingKeysWaitForATurn(t *testing.T) {
	e := newExpensive(2, nil)
	e.patience = 10 * time.Millisecond
	w := material.NewWrappingKeys(0, e.makeWrappingKey)
	defer w.Close()
	if err := e.begin(t.Context(), long, "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Take(t.Context(), "alice", "RSA_2048"); !isThrottled(err) {
		t.Errorf("a caller who waited in vain got %v", err)
	}
}

func TestClock(t *testing.T) {
	wall := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := NewClock(func() time.Time { return wall })
	for _, step := range []struct {
		by time.Duration
		ok bool
	}{{time.Hour, true}, {0, true}, {-1, false}, {records.MaxClockOffset, false}, {records.MaxClockOffset - time.Hour, true}, {1, false}} {
		before := c.Now()
		err := c.Advance(step.by)
		if (err == nil) != step.ok || err == nil && !c.Now().Equal(before.Add(step.by)) || err != nil && !c.Now().Equal(before) {
			t.Errorf("by %v: %v, from %v to %v", step.by, err, before, c.Now())
		}
	}
}
