package seal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// ErrLastCustody means that a wrap was kept, because nobody could open the keyring without it.
var ErrLastCustody = errors.New("no other custody opens the keyring")

// Keyring returns the keyring for use.
func (o *Opened) Keyring() *Keyring {
	d := &dataKeys{keys: o.keys}
	for _, k := range o.stored.Keys {
		d.latest = max(d.latest, k.Version)
		if !k.Waiting {
			d.newest = max(d.newest, k.Version)
		}
	}
	d.oldest = slices.Min(slices.Collect(maps.Keys(o.keys)))
	return keyringOf(d)
}

// Upgrade makes a keyring of format 1 one of format 2. root, which opened the keyring, then wraps the root key.
func (o *Opened) Upgrade(ctx context.Context, root Root, now time.Time) error {
	if o.stored.Format > 1 {
		return nil
	}
	if err := o.addRoot(now); err != nil {
		return err
	}
	return o.Add(ctx, root, now)
}

// errUpgradeFirst refuses a change of a keyring of format 1.
var errUpgradeFirst = errors.New("a keyring of format 1 has one custody and one data key: upgrade it first")

// AddDataKey generates a data key, which waits until UseDataKeys. Until then, a process that has the keyring opens
// values under the data key, and seals none.
func (o *Opened) AddDataKey(ctx context.Context, now time.Time) error {
	if o.stored.Format == 1 {
		return errUpgradeFirst
	}
	version := slices.Max(slices.Collect(maps.Keys(o.keys))) + 1
	dataKey := randomBytes(keySize)
	wrapped, err := localRoot{key: o.root}.Wrap(ctx, dataKey, dataKeyContext(version))
	if err != nil {
		return fmt.Errorf("wrap the data key: %w", err)
	}
	o.keys[version] = dataKey
	o.stored.Keys = append(o.stored.Keys, storedKey{version, o.stored.newest().Version, toSecond(now), true, wrapped})
	return nil
}

// UseDataKeys ends the wait of data keys: all values are sealed under the newest data key from then on.
func (o *Opened) UseDataKeys() {
	for i := range o.stored.Keys {
		o.stored.Keys[i].Waiting = false
	}
}

// DestroyDataKeys takes the data keys before a version out of the keyring. Nothing that is sealed under them opens
// any more.
func (o *Opened) DestroyDataKeys(before uint32) {
	kept := slices.DeleteFunc(slices.Clone(o.stored.Keys), func(k storedKey) bool { return k.Version < before })
	if len(kept) == 0 {
		return
	}
	o.stored.Keys = kept
	maps.DeleteFunc(o.keys, func(version uint32, _ []byte) bool { return version < before })
}

// RotateRoot generates a root key. The given custodies that are in the keyring wrap it, and all recovery keys. The
// other custodies open the keyring by a bridge, a wrap under the root key before, until each of them has wrapped the
// new root key (Adopt).
func (o *Opened) RotateRoot(ctx context.Context, now time.Time, at ...Root) error {
	if o.stored.Format == 1 {
		return errUpgradeFirst
	}
	recovery, err := o.RecoveryKeys()
	if err != nil {
		return err
	}
	if err := o.addRoot(now); err != nil {
		return err
	}
	for _, root := range append(recovery, at...) {
		if err := o.Adopt(ctx, root); err != nil {
			return err
		}
	}
	return nil
}

// Adopt makes a custody that is in the keyring wrap the newest root key, if it has not done so. When all custodies
// have wrapped the newest root key, the older ones leave the keyring.
func (o *Opened) Adopt(ctx context.Context, root Root) error {
	if !o.Lags(root.ID()) {
		return nil
	}
	return o.Add(ctx, root, o.since(root.ID()))
}

// Lags reports whether a custody is in the keyring and has not wrapped the newest root key.
func (o *Opened) Lags(custody string) bool {
	if o.stored.Format == 1 || !slices.Contains(o.stored.custodies(), custody) {
		return false
	}
	_, ok := o.stored.newest().wrapBy(custody)
	return !ok
}

// since returns the time since when a custody is in the keyring.
func (o *Opened) since(custody string) (t time.Time) {
	for _, r := range o.stored.Roots {
		if w, ok := r.wrapBy(custody); ok && (t.IsZero() || w.Made.Before(t)) {
			t = w.Made
		}
	}
	return t
}

// Add puts the root key into the custody of root too. A wrap by the same custody is replaced.
func (o *Opened) Add(ctx context.Context, root Root, now time.Time) error {
	if o.stored.Format == 1 {
		return errUpgradeFirst
	}
	r := o.stored.newest()
	wrapped, err := root.Wrap(ctx, o.root, rootKeyContext(r.Version))
	if err != nil {
		return fmt.Errorf("wrap the root key: %w", err)
	}
	r.Wraps = append(r.others(root.ID()), storedWrap{root.ID(), toSecond(now), wrapped})
	o.dropRoots()
	return nil
}

// Remove takes the root key out of a custody. It returns ErrLastCustody if the keyring has no other, besides recovery
// keys, which need their custodians.
func (o *Opened) Remove(custody string) error {
	if o.stored.Format == 1 {
		return errUpgradeFirst
	}
	opens := func(id string) bool { return id != custody && !IsRecoveryKey(id) }
	if all := o.stored.custodies(); slices.Contains(all, custody) && !slices.ContainsFunc(all, opens) {
		return ErrLastCustody
	}
	for i := range o.stored.Roots {
		o.stored.Roots[i].Wraps = o.stored.Roots[i].others(custody)
	}
	o.dropRoots()
	return nil
}

// dropRoots drops the wraps of older root keys by custodies that have wrapped the newest one, and then the root keys
// that no custody needs.
func (o *Opened) dropRoots() {
	s := &o.stored
	newest := *s.newest()
	for i := range s.Roots[:len(s.Roots)-1] {
		s.Roots[i].Wraps = slices.DeleteFunc(slices.Clone(s.Roots[i].Wraps), func(w storedWrap) bool {
			_, ok := newest.wrapBy(w.Custody)
			return ok
		})
	}
	for len(s.Roots) > 1 && len(s.Roots[0].Wraps) == 0 {
		s.Roots = s.Roots[1:]
	}
	s.Roots[0].Bridge = nil // nobody opens the root key before it
}

// others returns the wraps by other custodies.
func (r *storedRoot) others(custody string) []storedWrap {
	return slices.DeleteFunc(slices.Clone(r.Wraps), func(w storedWrap) bool { return w.Custody == custody })
}

// Encode returns the stored form.
func (o *Opened) Encode() (kept []byte, err error) {
	if o.stored.Format = o.stored.format(); o.stored.Format > 1 {
		if o.stored.MAC, err = o.stored.mac(o.root); err != nil {
			return nil, err
		}
	}
	return json.Marshal(o.stored)
}

// toSecond returns a time as a keyring keeps it.
func toSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
