package redo

import (
	"encoding/json"
	"reflect"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// onKey returns a row for a change of the key that the event names first.
func onKey[In any](fn func(k key.Key, e audit.Event, in *In) (key.Key, error)) row {
	return row{func(tx *store.Tx, e audit.Event) error {
		path, err := keyOf(e)
		if err != nil {
			return err
		}
		before, ok, err := records.WholeKeys.Get(tx, path)
		if err != nil {
			return err
		}
		k := before.At(e.EventTime)
		if !ok || k.State == key.Gone {
			return errNothing
		}
		in, err := input[In](e)
		if err != nil {
			return err
		}
		if k, err = fn(k, e, in); err != nil {
			return err
		}
		if reflect.DeepEqual(before, k) {
			return errNothing
		}
		_, err = records.PutWhole(tx, before, k, records.NewestLevel) // the first start erases the slots
		return err
	}}
}

// keyOf returns the path of the key that an event names first.
func keyOf(e audit.Event) (string, error) {
	for _, r := range e.Resources {
		ref, err := key.ParseKeyReference(r.ARN, r.AccountID, e.AWSRegion)
		if err == nil && ref.KeyID != "" {
			return records.KeyPath(ref.Account, ref.Region, ref.KeyID), nil
		}
	}
	return "", notRedone("the event names no key")
}

func disable(k key.Key, _ audit.Event, _ *api.DisableKeyRequest) (key.Key, error) {
	switch k.State {
	case key.Enabled:
		return k.Disable(), nil
	case key.PendingImport:
		return k, notRedone("the key has no material in the backup, so it cannot be disabled: an import enables it")
	}
	return k, errNothing
}

func enable(k key.Key, e audit.Event, _ *api.EnableKeyRequest) (key.Key, error) {
	if k.State != key.Disabled {
		return k, errNothing
	}
	return k.Enable(e.EventTime), nil
}

func scheduleDeletion(k key.Key, e audit.Event, in *api.ScheduleKeyDeletionRequest) (key.Key, error) {
	if k.State == key.PendingDeletion || k.State == key.PendingReplicaDeletion {
		return k, errNothing
	}
	return k.ScheduleDeletion(int(or(in.PendingWindowInDays, key.DefaultDeletionWindow)), e.EventTime), nil
}

func cancelDeletion(k key.Key, _ audit.Event, _ *api.CancelKeyDeletionRequest) (key.Key, error) {
	if k.State != key.PendingDeletion && k.State != key.PendingReplicaDeletion {
		return k, errNothing
	}
	return k.CancelDeletion(), nil
}

// deleteKey schedules the deletion of a key that was removed for the time of its removal: the first start removes it.
func deleteKey(k key.Key, e audit.Event, _ *api.Empty) (key.Key, error) {
	if len(k.MultiRegion.Replicas) > 0 {
		return k, notRedone("the key has replicas in the backup: delete them first")
	}
	return k.ScheduleDeletion(0, e.EventTime), nil
}

func deleteMaterial(k key.Key, e audit.Event, in *api.DeleteImportedKeyMaterialRequest) (key.Key, error) {
	deleted, err := k.DeleteMaterial(or(in.KeyMaterialId, "")) // without an ID, the current material
	if err != nil {                                            // the backup does not have this material
		return k, errNothing
	}
	return deleted, nil
}

// shortenMaterial gives material an earlier end, if it was imported again with one.
func shortenMaterial(k key.Key, e audit.Event, in *api.ImportKeyMaterialRequest) (key.Key, error) {
	if in.ValidTo == nil || or(in.ImportType, "") == api.ImportTypeNew {
		return k, errNothing
	}
	id := or(in.KeyMaterialId, materialOf(e))
	if all := k.AllMaterials(); id == "" && len(all) > 1 {
		return k, notRedone("the key has several key materials, and the event does not name the one that ends earlier")
	} else if id == "" && len(all) == 1 {
		id = all[0].ID
	}
	return k.ExpireBy(id, in.ValidTo.Time()), nil
}

// materialOf returns the ID of the imported material, or "": events of older versions do not have it.
func materialOf(e audit.Event) string {
	var response struct {
		KeyMaterialID string `json:"keyMaterialId"`
	}
	_ = json.Unmarshal(e.ResponseElements, &response)
	return response.KeyMaterialID
}

func putPolicy(k key.Key, _ audit.Event, in *api.PutKeyPolicyRequest) (key.Key, error) {
	k.Policy = *in.Policy
	return k, nil
}

func tag(k key.Key, _ audit.Event, in *api.TagResourceRequest) (key.Key, error) {
	tags := make([]key.Tag, len(in.Tags))
	for i, t := range in.Tags {
		tags[i] = key.Tag{Key: *t.TagKey, Value: *t.TagValue}
	}
	tagged, err := k.WithTags(tags)
	if err != nil {
		return k, notRedone("%v", err)
	}
	return tagged, nil
}

func untag(k key.Key, _ audit.Event, in *api.UntagResourceRequest) (key.Key, error) {
	return k.WithoutTags(in.TagKeys), nil
}
