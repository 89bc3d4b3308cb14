package integrity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

func (v *verifier) key(path string, k key.Key) error {
	if records.PathOf(k) != path || !key.ValidID(k.ID) {
		return errMoved
	}
	if at := k.ListedAt(); !at.IsZero() {
		requireRecord(v, records.Dues, records.DuePath(at, path), k.ARN())
	}
	problems := []error{
		v.textOf(path, k), checkState(k), checkListed(k), checkSuite(k), checkRotations(k), v.relatedKeys(k),
	}
	for _, m := range k.AllMaterials() {
		problems = append(problems, v.material(k, m))
	}
	return errors.Join(problems...)
}

var errNoPolicy = errors.New("it has no key policy")

// textOf looks for the text of a key: in formats before 3 in the record of the key, in later formats in a record of its
// own, and from format 7 on also in the record of the key, if it is short.
func (v *verifier) textOf(path string, k key.Key) error {
	switch {
	case k.Short != nil:
		return checkShort(*k.Short)
	case k.Policy == "":
		requireRecord(v, records.KeyTexts, path, k.ARN())
	case v.format.Format >= 3:
		return errors.New("its record contains its policy")
	}
	return nil
}

// text checks the text of a key, which must have a policy.
func (v *verifier) text(path string, t key.Text) error {
	k, there, _ := lookUp(v, records.Keys, path)
	switch {
	case !there:
		return errors.New("there is no such key")
	case k.Short != nil:
		return errors.New("the record of the key contains its text")
	case t.Policy == "":
		return errNoPolicy
	}
	return nil
}

// checkShort checks the text in the record of a key.
func checkShort(t key.Text) error {
	switch {
	case t.Policy == "":
		return errNoPolicy
	case !t.IsShort():
		return errors.New("its record contains a text that is not short")
	}
	return nil
}

// checkListed checks that the index of due times does not list a key later than it is due.
func checkListed(k key.Key) error {
	if due := k.Due(); !due.IsZero() && k.Listed.After(due) {
		return fmt.Errorf("it is due at %v and listed as due at %v", due, k.Listed)
	}
	return nil
}

// checkState checks whether the state of a key fits its material and dates.
func checkState(k key.Key) error {
	missing := len(k.Materials) == 0 || slices.ContainsFunc(k.Materials, func(m key.Material) bool { return !m.Present() })
	fits := false
	switch k.State {
	case key.Enabled, key.Disabled:
		fits = !missing && k.DeletionDate.IsZero()
	case key.PendingImport:
		fits = missing && k.DeletionDate.IsZero() && k.Origin == key.OriginExternal
	case key.PendingDeletion:
		fits = !k.DeletionDate.IsZero()
	case key.PendingReplicaDeletion:
		fits = k.IsPrimary() && len(k.MultiRegion.Replicas) > 0 && k.DeletionDate.IsZero()
	case key.Gone:
		fits = len(k.Materials) == 0 && k.Pending == nil
	}
	if !fits {
		return fmt.Errorf("the state %q does not fit its material and dates", k.State)
	}
	return nil
}

// checkSuite checks whether a key of this spec, usage and origin can be created.
func checkSuite(k key.Key) error {
	_, err := key.ChooseSuite(k.Spec, k.Usage, k.Origin)
	return err
}

// material opens a material and computes its ID from its bytes.
func (v *verifier) material(k key.Key, m key.Material) error {
	if m.Present() != (m.Slot != "") {
		return fmt.Errorf("material %s has bytes or a slot, but not both", m.ID)
	}
	if !m.Present() {
		return nil
	}
	var err error
	crypt.Secretly(func() { err = v.checkMaterial(k, m) })
	if err == nil {
		v.Materials++
	}
	return errors.Join(v.claimSlot(m.Slot), err)
}

func (v *verifier) checkMaterial(k key.Key, m key.Material) error {
	material, err := v.materials.Open(v.ctx, k, m)
	if err != nil {
		return err
	}
	defer clear(material)
	id, err := crypt.MaterialID(k.ID, material)
	if err == nil && id != m.ID {
		err = fmt.Errorf("material %s is other material", m.ID)
	}
	if err != nil {
		return err
	}
	made, err := crypt.Open(string(k.Spec), material)
	if err != nil {
		return fmt.Errorf("material %s: %w", m.ID, err)
	}
	made.Destroy()
	return nil
}

func (v *verifier) due(path string, _ struct{}) error {
	_, of, ok := strings.Cut(path, "/")
	if !ok || of == "" {
		return errMoved
	}
	k, there, whole := lookUp(v, records.Keys, of)
	if !there || whole && (k.ListedAt().IsZero() || records.DuePath(k.ListedAt(), of) != path) {
		return errors.New("no key is due then")
	}
	return nil
}

func (v *verifier) alias(path string, a key.Alias) error {
	if !strings.HasPrefix(a.Name, key.AliasPrefix) || records.AliasPath(a.Account, a.Region, a.Name) != path {
		return errMoved
	}
	requireRecord(v, records.AliasesOfKey, records.AliasOfKeyPath(a), a.ARN())
	requireRecord(v, records.Keys, records.KeyPath(a.Account, a.Region, a.KeyID), a.ARN())
	return nil
}

func (v *verifier) aliasOfKey(path string, _ struct{}) error {
	parts := strings.SplitN(path, "/", 4) // account, Region, key ID, name
	if len(parts) < 4 {
		return errMoved
	}
	a, there, whole := lookUp(v, records.Aliases, records.ScopePath(parts[0], parts[1])+parts[3])
	if !there || whole && a.KeyID != parts[2] {
		return errors.New("no such alias stands for this key")
	}
	requireRecord(v, records.AliasGuards, records.KeyPath(parts[0], parts[1], parts[2]), "alias-of-key/"+path)
	return nil
}

// aliasGuard checks the number of aliases of a key. While a key is being removed, its guard is
// not updated.
func (v *verifier) aliasGuard(path string, g records.AliasGuard) error {
	k, there, whole := lookUp(v, records.Keys, path)
	if !there {
		return errors.New("there is no such key")
	}
	if !whole || k.State == key.Gone {
		return nil
	}
	if n, ok := v.count(records.AliasesOfKey, path+"/"); ok && n != g.Count {
		return fmt.Errorf("it counts %d aliases, and there are %d", g.Count, n)
	}
	return nil
}
