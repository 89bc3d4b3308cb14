package server

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
)

// A tenant who sends many requests that are refused does not fill the operator's log, and hides no refusals of others.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	var log bytes.Buffer
	h := &Handler{Log: slog.New(slog.NewTextHandler(&log, nil))}
	refuse := func(target string) {
		h.warnOfRefusal("id", target, key.Errorf(key.KindInvalidCiphertext, "").Because(errors.New("cause")))
	}
	for range 10_000 {
		refuse("TrentService.Decrypt")
	}
	if n := strings.Count(log.String(), "request refused"); n != mostRefusals {
		t.Errorf("%d lines", n)
	}
	if n := strings.Count(log.String(), "more requests like this one"); n != 1 {
		t.Errorf("%d lines say that there are more", n)
	}
	refuse("TrentService.ImportKeyMaterial")
	if !strings.Contains(log.String(), "ImportKeyMaterial") {
		t.Error("the refusal of another operation is hidden")
	}
	var r refusals
	begun := time.Unix(1000, 0)
	for i := range 10 * mostNames {
		r.due(fmt.Sprint("name", i), begun)
	}
	if len(r.lines) > mostNames+1 {
		t.Errorf("%d names are kept", len(r.lines))
	}
	for range mostRefusals + 1 {
		r.due("name0", begun)
	}
	if write, _ := r.due("name0", begun.Add(59*time.Second)); write {
		t.Error("a line more within a minute")
	}
	if write, _ := r.due("name0", begun.Add(time.Minute)); !write {
		t.Error("no line after a minute")
	}
}
