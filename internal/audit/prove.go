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
	p, err := f.prove(at)
	if err != nil {
		return nil, "", err
	}
	return at.Line, p.Text(), nil
}

// prove returns the proof that a line is in the log. Nothing is verified.
func (f *Folder) prove(at Line) (p transparency.Proof, err error) {
	signed, err := f.Checkpoint()
	if err != nil {
		return p, err
	}
	c, err := transparency.ParseCheckpoint(string(signed))
	if err != nil {
		return p, err
	}
	if at.Index >= c.Size {
		return p, ErrNotProvable
	}
	if p, err = transparency.Prove(at.Index, signed, f); err != nil {
		err = fmt.Errorf("the hashes of the log: %w", err)
	}
	return p, err
}

// Prove returns a verified proof that a line is in the log (C2SP tlog-proof). The error is ErrAltered if the last
// checkpoint does not have the line.
func (l *Log) Prove(at Line) (proof string, err error) {
	p, err := l.Reader().prove(at)
	if err != nil {
		return "", err
	}
	verifier, err := l.protection.Verifier()
	if err != nil {
		return "", err
	}
	if _, err := p.Check(at.Line, verifier); err != nil {
		return "", fmt.Errorf("%w: line %d: %w", ErrAltered, at.Index, err)
	}
	return p.Text(), nil
}
