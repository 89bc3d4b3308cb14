package records

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// A keyOfFormat2 is the record of a key in formats 1 and 2, which contains the text of the key.
type keyOfFormat2 struct {
	key.Key
	Policy      string              `json:"policy"`
	Description string              `json:"description,omitzero"`
	Tags        []key.Tag           `json:"tags,omitempty"`
	Materials   []materialOfFormat2 `json:"materials,omitempty"`
	Pending     *materialOfFormat2  `json:"pending,omitempty"`
}

type materialOfFormat2 struct {
	key.Material
	Description string `json:"description,omitzero"`
}

func (m materialOfFormat2) newest() key.Material {
	m.Material.Description = m.Description
	return m.Material
}

// newest returns the key with its text.
func (k keyOfFormat2) newest() key.Key {
	out := k.Key
	out.Policy, out.Description, out.Tags = k.Policy, k.Description, k.Tags
	for _, m := range k.Materials {
		out.Materials = append(out.Materials, m.newest())
	}
	if k.Pending != nil {
		m := k.Pending.newest()
		out.Pending = &m
	}
	return out
}

// A keyCodec encodes keys, with their texts if these are short. It also decodes records of format 2, with their texts.
type keyCodec struct{ store.Codec[key.Key] }

// Decode implements [store.Codec].
func (c keyCodec) Decode(data []byte) (key.Key, error) {
	k, err := c.Codec.Decode(data)
	if err == nil {
		return k, nil
	}
	old, olderErr := store.JSON[keyOfFormat2]().Decode(data)
	if olderErr != nil || old.Policy == "" {
		return key.Key{}, err
	}
	return old.newest(), nil
}

// SplitKey gives a key of format 2 a record for its text. It does nothing if the key has such a record.
func SplitKey(tx *store.Tx, path string) error {
	k, _, err := Keys.Get(tx, path)
	if err != nil || k.Policy == "" {
		return err
	}
	if err := Keys.Put(tx, path, k); err != nil {
		return err
	}
	return KeyTexts.Put(tx, path, k.Text())
}
