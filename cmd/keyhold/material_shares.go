package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/shares"
)

// A broughtMaterial is key material that shares brought back.
type broughtMaterial struct {
	shares.Set
	bytes []byte
	given int // shares
}

// readSharedMaterial joins shares, and checks that the material is the one that was split.
func readSharedMaterial(o givenShares) (*broughtMaterial, error) {
	given, err := o.read()
	if err != nil {
		return nil, err
	}
	defer clearGiven(given)
	material, err := shares.Join(given)
	if err != nil {
		return nil, err
	}
	b := &broughtMaterial{given[0].Set, material, len(given)}
	if err := b.check(); err != nil {
		clear(material)
		return nil, err
	}
	return b, nil
}

func (b *broughtMaterial) check() error {
	if err := errOneSecret(b.Set, shares.KindMaterial); err != nil {
		return err
	}
	id, err := byok.KeyMaterialID(b.Of[strings.LastIndex(b.Of, "/")+1:], b.bytes)
	if err == nil && id != b.ID {
		err = fmt.Errorf("the shares have other material than they say: its ID is %s, not %s", id, b.ID)
	}
	return err
}

// material returns the material for a key of the given spec. The caller clears it.
func (b *broughtMaterial) material(keySpec string, progress printer) ([]byte, error) {
	if keySpec != b.Form {
		return nil, fmt.Errorf("the shares have material of the spec %s, and the key is of the spec %s", b.Form, keySpec)
	}
	progress.step("Material", "%d bytes for a key of the spec %s, from %d shares of %s", len(b.bytes), b.Form, b.given,
		describeSet(b.Set))
	progress.more("they were made at %s, for %s", formatTime(b.Made), b.Of)
	return bytes.Clone(b.bytes), nil
}

// materialLabel describes material that is to be split.
func materialLabel(w *byok.Wrapped, keySpec string) shares.Label {
	return shares.Label{Kind: shares.KindMaterial, Of: w.KeyARN, Form: keySpec, ID: w.KeyMaterialID}
}
