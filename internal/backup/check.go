package backup

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// A Summary counts what Check has read.
type Summary struct {
	Trailer
	Materials int64 // that opened
	TokenKeys int64 // that opened
	Proved    bool  // the deployment's data keys have sealed the trailer, and every record opened
}

// Check reads the whole backup, and keeps the records of small tables in memory. With a keyring, it also opens every
// record and every key material, and checks that the deployment made the backup. progress is called after each chunk.
func (f *File) Check(ctx context.Context, keyring *seal.Keyring, progress func(records int64)) (s Summary, err error) {
	r, _, err := f.read()
	if err != nil {
		return s, err
	}
	c := checker{file: f, ctx: ctx, keyring: keyring, summary: &s}
	f.small, f.pendingLost = nil, map[string]bool{}
	for {
		found, end, err := r.records()
		if err == nil && end != nil {
			s.Trailer, f.checked = *end, &r.chain
			return s, c.finish(r.chain)
		}
		if err == nil {
			err = c.check(found)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return s, err
		}
		progress(r.counted.Records)
	}
}

// A checker is the state of one Check.
type checker struct {
	file    *File
	ctx     context.Context
	keyring *seal.Keyring
	summary *Summary
}

func (c *checker) check(found []Record) error {
	for _, r := range found {
		if isSmall(r.Key) {
			c.file.small = append(c.file.small, r.item())
		}
		if c.keyring == nil {
			continue
		}
		if err := c.open(r); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return nil
}

// open opens a record, and what its slots seal.
func (c *checker) open(r Record) (err error) {
	sealer := c.keyring.Records()
	switch prefix, _, _ := strings.Cut(string(r.Key), "/"); prefix {
	case records.Keys.Prefix:
		var k key.Key
		if k, err = decode(sealer, records.Keys, r.item()); err != nil {
			return err
		}
		slots := slotsOf(r)
		if !c.file.Header.WithoutImported {
			c.notePending(k, slots)
		}
		return c.materials(k, slots)
	case records.TokenRings.Prefix:
		ring, err := decode(sealer, records.TokenRings, r.item())
		if err != nil {
			return err
		}
		return c.tokenKeys(ring, slotsOf(r))
	}
	_, err = sealer.Open(r.Key, r.Value)
	if err != nil {
		err = &store.CorruptError{Path: string(r.Key), Err: err}
	}
	return err
}

func (c *checker) materials(k key.Key, slots Slots) (err error) {
	sealer := material.NewSealer(slots, c.keyring.Materials())
	for _, m := range k.AllMaterials() {
		if !m.Present() || slots.IsMissing(m.Slot) {
			continue
		}
		crypt.Secretly(func() {
			var opened []byte
			opened, err = sealer.Open(c.ctx, k, m)
			clear(opened)
		})
		if err != nil {
			return err
		}
		c.summary.Materials++
	}
	return nil
}

func (c *checker) tokenKeys(ring records.TokenRing, slots Slots) error {
	for _, k := range ring.Keys {
		if slots.IsMissing(k.Slot) {
			continue
		}
		opened, err := material.OpenTokenKey(c.ctx, slots, c.keyring.TokenKeys(), k)
		if err != nil {
			return err
		}
		clear(opened)
		c.summary.TokenKeys++
	}
	return nil
}

// finish checks that the deployment has sealed the chain.
func (c *checker) finish(made chain) error {
	if c.keyring == nil {
		return nil
	}
	sealed, err := c.keyring.Records().Open(sealedPath, c.summary.Sealed)
	if err != nil || !bytes.Equal(sealed, made[:]) {
		return fmt.Errorf("%w: its trailer was not made by the deployment", ErrDamaged)
	}
	c.summary.Proved = true
	return nil
}
