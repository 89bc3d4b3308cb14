package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/keyhold/keyhold/byok"
)

// manifestSuffix ends the name of every manifest, so that keyhold import check finds manifests in a folder.
const manifestSuffix = ".json"

// ownersFlags are the flags that keep the original of the material safe.
type ownersFlags struct {
	manifest string
	escrow   custodians

	declared *byok.Manifest // in the file of the manifest before the import, or nil
	set      string         // the set of shares of the material, or ""
}

// check reads the manifest if it exists, and the file of custodians. shared says that the material comes from shares,
// which a manifest must exist for.
func (o *ownersFlags) check(shared bool) (err error) {
	if err := o.escrow.check(); err != nil || o.manifest == "" {
		return err
	}
	if !strings.HasSuffix(o.manifest, manifestSuffix) {
		return usageError{fmt.Errorf("--manifest %s: the name of a manifest ends with %s, so that keyhold import check "+
			"finds it", o.manifest, manifestSuffix)}
	}
	o.declared, err = readManifest(o.manifest)
	if errors.Is(err, fs.ErrNotExist) && !shared {
		return nil
	}
	return err
}

func readManifest(path string) (*byok.Manifest, error) {
	file, err := readSmallFile(path)
	if err != nil {
		return nil, err
	}
	m, err := byok.ParseManifest(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// agree checks that the manifest, if it exists, describes the material that was wrapped.
func (o *ownersFlags) agree(w *byok.Wrapped, progress printer) error {
	m := o.declared
	switch {
	case m == nil:
		return nil
	case m.KeyARN != w.KeyARN:
		return fmt.Errorf("%s describes material of %s, not of %s: nothing was sent", o.manifest, m.KeyARN, w.KeyARN)
	case m.Fingerprint != w.KeyMaterialID:
		return fmt.Errorf("%s describes other material of this key: its fingerprint is %s, not %s: nothing was sent; give "+
			"each material a manifest of its own", o.manifest, m.Fingerprint, w.KeyMaterialID)
	}
	progress.step("Agrees", "this is the material that %s describes", o.manifest)
	o.set = m.Shares
	return nil
}

// split writes the material as shares, if custodians are given.
func (o *ownersFlags) split(w *byok.Wrapped, keySpec string, material []byte, now time.Time, progress printer) error {
	if !o.escrow.given() {
		return nil
	}
	l := materialLabel(w, keySpec)
	l.Made = now.UTC().Truncate(time.Second)
	set, err := o.escrow.write(l, material, progress)
	if err == nil {
		o.set = describeSet(set)
	}
	return err
}

// checkOwners reads what the owner has of the material before anything is sent.
func (r *importRun) checkOwners(context.Context) error {
	if err := r.owners.check(r.source.shared()); err != nil {
		return err
	}
	return r.source.fips.checkRecipients(r.owners.escrow.found)
}

// keepOriginal compares the material with the manifest, and splits it among custodians, before it is sent.
func (r *importRun) keepOriginal(ctx context.Context) error {
	if r.source.brought != nil {
		r.owners.set = describeSet(r.source.brought.Set)
	}
	if err := r.owners.agree(r.wrapped, r.progress); err != nil {
		return err
	}
	return r.owners.split(r.wrapped, r.spec, r.material, r.server.now(ctx), r.progress)
}

// writeManifest writes the manifest of the import, and replaces an earlier manifest of the same material.
func (r *importRun) writeManifest(ctx context.Context) error {
	if r.owners.manifest == "" {
		return nil
	}
	m := &byok.Manifest{
		KeyARN: r.wrapped.KeyARN, KeySpec: r.spec, KeyMaterialID: r.materialID, Fingerprint: r.wrapped.KeyMaterialID,
		Algorithm: r.algorithm, WrappingKey: r.wrapped.Fingerprint, Imported: r.server.now(ctx), ValidTo: r.expiry.validTo,
		Shares: r.owners.set,
	}
	if r.wrapped.PublicKey != nil {
		m.PublicKey = byok.Fingerprint(r.wrapped.PublicKey)
	}
	if err := replaceFile(r.owners.manifest, m.Encode(), 0o644); err != nil {
		return fmt.Errorf("the import was accepted, but its manifest was not written: %w", err)
	}
	r.progress.step("Manifest", "%s, which contains no secret: commit it, and run keyhold import check --manifest %s",
		r.owners.manifest, filepath.Dir(r.owners.manifest))
	return nil
}
