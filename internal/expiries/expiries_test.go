package expiries

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const day = 24 * time.Hour

func TestThreshold(t *testing.T) {
	ahead := []time.Duration{30 * day, 7 * day, day}
	for left, want := range map[time.Duration]int{
		31 * day: -1, 30*day + 1: -1, 30 * day: 0, 8 * day: 0, 7 * day: 1, day + 1: 1, day: 2, time.Second: 2,
	} {
		if got := threshold(ahead, left); got != want {
			t.Errorf("%v left: threshold %d, want %d", left, got, want)
		}
	}
}

func TestCallers(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	c := NewCallers(now)
	if got := c.Of("k"); len(got) != 0 || got == nil || !c.Since().Equal(now) {
		t.Errorf("%q since %v", got, c.Since())
	}
	for i := range 20 {
		c.Note("k", fmt.Sprint("caller", i), now.Add(time.Duration(i)*time.Hour))
	}
	c.Note("k", "caller15", now.Add(30*time.Hour))
	want := []string{"caller15", "caller19", "caller18", "caller17", "caller16", "caller14", "caller13", "caller12"}
	if got := c.Of("k"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	c.Note("k", "late", now.Add(30*time.Hour+remembered))
	if got := c.Of("k"); !slices.Equal(got, []string{"late", "caller15"}) {
		t.Errorf("callers of more than seven days ago: %q", got)
	}
}

func TestCallersAreBounded(t *testing.T) {
	c := NewCallers(time.Time{})
	for i := range mostKeys + 100 {
		c.Note(fmt.Sprint(i), "caller", time.Unix(int64(i), 0))
	}
	if len(c.keys) != mostKeys || len(c.Of(fmt.Sprint(mostKeys+99))) != 1 {
		t.Errorf("%d keys", len(c.keys))
	}
	c.Note("k", "caller", time.Unix(0, 0))
	if n := testing.AllocsPerRun(100, func() { c.Note("k", "caller", time.Unix(1, 0)) }); n != 0 {
		t.Errorf("a caller that is known costs %v allocations", n)
	}
}

func TestCheckHook(t *testing.T) {
	for to, valid := range map[string]bool{
		"https://hooks.example.org/x": true, "/usr/local/bin/warn": true,
		"http://hooks.example.org": false, "warn": false, "": false, "https://\x00": false,
		"https://hooks.example.org/hunter2/%zz": false, "http://hooks.example.org/hunter2": false, "https:///hunter2": false,
	} {
		if err := CheckHook(to); (err == nil) != valid || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", to, err)
		}
	}
}

var warning = Warning{KeyARN: "arn:aws:kms:eu-west-2:111122223333:key/1", MaterialID: "m", Aliases: []string{"alias/a"}}

// A command gets the warning, and no variables of the server's environment.
func TestHookCommand(t *testing.T) {
	t.Setenv("KEYHOLD_SECRET", "hunter2")
	dir := t.TempDir()
	script := filepath.Join(dir, "hook")
	text := "#!/bin/sh\n{ cat; env; } > " + filepath.Join(dir, "out") + "\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	h := NewHook(script, slog.New(slog.DiscardHandler))
	if err := h.try(t.Context(), message{event: EventName, details: warning}); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil || !strings.Contains(string(out), `"aliases":["alias/a"]`) || strings.Contains(string(out), "hunter2") {
		t.Errorf("%v: %s", err, out)
	}
}

// A web server gets the warning again until it takes the warning. Errors do not have the URL.
func TestHookPost(t *testing.T) {
	calls := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if calls++; calls < attempts || !strings.Contains(string(body), warning.KeyARN) {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	}))
	defer s.Close()
	h := NewHook(s.URL+"/token", slog.New(slog.DiscardHandler))
	h.pause = time.Millisecond
	h.client.Transport = s.Client().Transport
	if err := h.try(t.Context(), message{event: EventName, details: warning}); err != nil || calls != attempts {
		t.Errorf("%v after %d calls", err, calls)
	}
	calls = -attempts
	if err := h.try(t.Context(), message{event: EventName, details: warning}); err == nil || strings.Contains(err.Error(), "token") || calls != 0 {
		t.Errorf("%v after %d calls", err, calls+attempts)
	}
	s.Close()
	if err := h.try(t.Context(), message{event: EventName, details: warning}); err == nil || strings.Contains(err.Error(), "token") {
		t.Errorf("without the server: %v", err)
	}
}

// A hook that does not take warnings has a bounded queue.
func TestHookIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHook("/does/not/exist", slog.New(slog.DiscardHandler))
		for range waiting + 7 {
			h.Add(EventName, warning)
		}
		if n := h.Failures(); n != 7 {
			t.Errorf("%d warnings were dropped", n)
		}
	})
}

// An account with many warnings drops only its own, and does not delay the warnings of others by more than one.
func TestHookIsShared(t *testing.T) {
	h := NewHook("/does/not/exist", slog.New(slog.DiscardHandler))
	of := func(account string, n int) Warning {
		return Warning{KeyARN: "arn:aws:kms:eu-west-2:" + account + ":key/" + fmt.Sprint(n)}
	}
	for i := range 10 * waiting {
		h.Add(EventName, of("111111111111", i))
	}
	for i := range 3 {
		h.Add(EventName, of("222222222222", i))
	}
	h.Add("CertificateExpiryWarning", Notice{})
	for i := range waiting {
		h.Add(EventName, of("111111111111", i))
	}
	if n := h.Failures(); n != 10*waiting+4 {
		t.Errorf("%d warnings were dropped", n)
	}
	var order []string
	for m, ok := h.queue.take(); ok; m, ok = h.queue.take() {
		order = append(order, m.account)
	}
	if len(order) != waiting || len(h.queue.of) != 0 || len(h.queue.turn) != 0 {
		t.Fatalf("%d warnings, %v, %v", len(order), h.queue.of, h.queue.turn)
	}
	want := []string{"111111111111", "222222222222", "", "111111111111", "222222222222", "111111111111", "222222222222"}
	if !slices.Equal(order[:len(want)], want) {
		t.Errorf("%q", order[:len(want)])
	}
}

func TestReadings(t *testing.T) {
	for _, c := range []struct {
		left      int64
		reached   int64
		low       bool
		recovered bool
	}{{1251, 0, false, true}, {1250, 0, false, false}, {1001, 0, false, false}, {1000, 1000, true, false}, {201, 1000, true, false}, {200, 200, true, false}, {-1, 200, true, false}} {
		r := Reading{Left: c.left, Thresholds: []int64{1000, 200}}
		reached, low := r.Reached()
		if reached != c.reached || low != c.low || r.recovered() != c.recovered {
			t.Errorf("%d left: reached %d, %v, recovered %v", c.left, reached, low, r.recovered())
		}
	}
	if _, low := (Reading{Left: -1}).Reached(); low || (Reading{Left: 1}).recovered() {
		t.Error("a reading without thresholds has warnings")
	}
}
