package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/transparency"
)

var (
	// ErrNoEvent means that a log does not have an event.
	ErrNoEvent = errors.New("the log does not have this event")
	// ErrNotProvable means that no checkpoint has an event yet.
	ErrNotProvable = errors.New("no checkpoint has this event yet: try again in a minute")
)

// Prove returns the line of an event, and the proof that the line is in the log (C2SP tlog-proof).
func (f *Folder) Prove(ctx context.Context, eventID string) (line []byte, proof string, err error) {
	at, found, err := f.IndexOf(ctx, eventID)
	if err != nil {
		return nil, "", err
	}
	if !found {
		return nil, "", ErrNoEvent
	}
	signed, err := f.Checkpoint()
	if err != nil {
		return nil, "", err
	}
	c, err := transparency.ParseCheckpoint(string(signed))
	if err != nil {
		return nil, "", err
	}
	if at.Index >= c.Size {
		return nil, "", ErrNotProvable
	}
	p, err := transparency.Prove(at.Index, signed, f)
	if err != nil {
		return nil, "", fmt.Errorf("the hashes of the log: %w", err)
	}
	return at.Line, p.Text(), nil
}
