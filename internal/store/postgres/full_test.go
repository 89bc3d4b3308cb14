package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/keyhold/keyhold/internal/space"
)

// Only a server that says that its disk is full is full. Its refusal stays one, however often it is passed on.
func TestRefusalWithoutSpace(t *testing.T) {
	for code, full := range map[string]bool{"53100": true, "53200": false, "53300": false, "58030": false, "42501": false} {
		err := refusal(fmt.Errorf("no server answers: %w", refusal(&pgconn.PgError{Code: code, Severity: "ERROR", Message: "why"})))
		if errors.Is(err, space.ErrFull) != full || !strings.Contains(err.Error(), "why") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// The log says once that the disk is full, and once that it is not, however many writes fail and succeed between.
func TestFullness(t *testing.T) {
	var log bytes.Buffer
	var f fullness
	start := time.Now()
	for _, step := range []struct {
		at   time.Duration
		err  error
		want string // of the line that is logged
	}{
		{0, nil, ""},
		{1, errors.New("other"), ""},
		{2, space.Full(errors.New("why")), "has no disk space"},
		{3, space.Full(errors.New("why")), ""},
		{4, nil, ""}, // a small write
		{3 + roomy - 1, nil, ""},
		{4 + roomy, errors.New("other"), ""},
		{5 + roomy, nil, "has disk space again"},
		{6 + roomy, nil, ""},
		{7 + roomy, space.Full(errors.New("why")), "has no disk space"},
	} {
		log.Reset()
		f.note(slog.New(slog.NewTextHandler(&log, nil)), step.err, start.Add(step.at))
		if got := log.String(); !strings.Contains(got, step.want) || step.want == "" && got != "" {
			t.Errorf("after %d, %v: %q, want %q", step.at, step.err, got, step.want)
		}
	}
}
