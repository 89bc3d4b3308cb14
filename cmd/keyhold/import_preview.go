package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyhold/keyhold/byok"
)

// preview reports what the import would do. It changes nothing.
func (r *importRun) preview(context.Context) error {
	if r.key == nil {
		r.progress.step("Key", "%s does not exist: it would be created, %s", r.ref, r.spec)
	}
	if err := r.previewMaterial(); err != nil {
		return err
	}
	if r.newMaterial {
		rotation := ""
		if r.rotate {
			rotation = "; --rotate would make it current"
		}
		r.progress.step("New", "the material would be added to the key, "+
			"and wait for a rotation unless it is the first%s", rotation)
	}
	r.progress.step("Dry run", "nothing was changed; the material would be imported %s", r.expiry.text())
	return nil
}

// previewMaterial checks the material, and computes the ID that it would have in the key.
func (r *importRun) previewMaterial() (err error) {
	if err := r.source.checkSpec(r.spec); err != nil {
		return err
	}
	if r.source.generate != "" {
		r.progress.step("Material", "would be made and kept in %s", r.source.generate)
		return nil
	}
	if r.material, err = r.source.material(r.spec, r.progress); err != nil || r.key == nil {
		return err
	}
	r.materialID, err = byok.KeyMaterialID(aws.ToString(r.key.KeyId), r.material)
	return err
}
