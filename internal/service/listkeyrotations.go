package service

import (
	"fmt"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var listKeyRotations = query("ListKeyRotations", asks{{Action: "kms:ListKeyRotations", On: keyID("KeyId")}}, nil,
	func(c *call, in *api.ListKeyRotationsRequest) (*api.ListKeyRotationsResponse, error) {
		p, err := pageOf(c.Operation.Name, in.Marker, in.Limit, 100, 1000)
		if err != nil {
			return nil, err
		}
		k := c.key()
		if err := k.CheckRotatable(); err != nil {
			return nil, err
		}
		waits, err := c.stateOfPending(k)
		if err != nil {
			return nil, err
		}
		if waits == "" {
			k.Pending = nil
		}
		out := &api.ListKeyRotationsResponse{Rotations: []api.RotationsListEntry{}}
		for _, m := range part(p, materialsToList(k, or(in.IncludeKeyMaterial, "")), (listedMaterial).name) {
			out.Rotations = append(out.Rotations, rotationEntry(k, m, waits))
		}
		out.NextMarker, out.Truncated = p.next()
		return out, nil
	})

// stateOfPending returns the state of the material that waits for a rotation, or "" if no
// material waits. All related keys must have the material before the rotation. Material waits
// in a replica as long as it waits in the primary key.
func (c *call) stateOfPending(k key.Key) (string, error) {
	if k.Pending == nil || !k.IsMultiRegion() {
		return api.KeyMaterialPendingRotation, nil
	}
	related, err := c.related(k)
	switch {
	case err != nil:
		return "", err
	case related[0].Pending == nil || related[0].Pending.ID != k.Pending.ID:
		return "", nil
	case len(related.Lacking(c.now)) > 0:
		return api.KeyMaterialPendingImports, nil
	}
	return api.KeyMaterialPendingRotation, nil
}

// A listedMaterial is a material of a key and its place among all materials that the key has
// had. The place never changes.
type listedMaterial struct {
	key.Material
	place int
}

func (m listedMaterial) name() string { return fmt.Sprintf("%06d", m.place) }

// materialsToList returns the materials that a listing includes: the materials of rotations or, with
// ALL_KEY_MATERIAL, also the first material and the pending one.
func materialsToList(k key.Key, include string) (all []listedMaterial) {
	for i, m := range k.AllMaterials() {
		if include == api.IncludeKeyMaterialAll || m.RotationType != "" {
			all = append(all, listedMaterial{m, i})
		}
	}
	return all
}

// rotationEntry returns the entry of a material. waits is the state of waiting material.
func rotationEntry(k key.Key, m listedMaterial, waits string) api.RotationsListEntry {
	e := api.RotationsListEntry{
		KeyId:            &k.ID,
		KeyMaterialId:    &m.ID,
		KeyMaterialState: new(materialState(k, m.place, waits)),
		RotationDate:     timestamp(m.RotationDate),
	}
	if m.RotationType != "" {
		e.RotationType = new(string(m.RotationType))
	}
	if k.Origin != key.OriginExternal {
		return e
	}
	e.ImportState = new(api.ImportStatePending)
	if m.Description != "" {
		e.KeyMaterialDescription = &m.Description
	}
	if m.Present() {
		e.ImportState = new(api.ImportStateImported)
		e.ExpirationModel = new(string(m.ExpirationModel()))
		e.ValidTo = timestamp(m.ValidTo)
	}
	return e
}

func materialState(k key.Key, place int, waits string) string {
	switch last := len(k.Materials) - 1; {
	case place > last:
		return waits
	case place == last:
		return api.KeyMaterialCurrent
	}
	return api.KeyMaterialNonCurrent
}
