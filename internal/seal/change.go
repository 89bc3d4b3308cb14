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
	for version := range o.keys {
		d.newest = max(d.newest, version)
	}
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

// AddDataKey generates a data key, under which all values are sealed from then on. The keyring must be of format 2.
func (o *Opened) AddDataKey(ctx context.Context, now time.Time) error {
	if o.stored.Format == 1 {
		return errors.New("a keyring of format 1 has one data key: upgrade it first")
	}
	version := slices.Max(slices.Collect(maps.Keys(o.keys))) + 1
	newest := o.stored.Roots[len(o.stored.Roots)-1].Version
	dataKey := randomBytes(keySize)
	wrapped, err := localRoot{key: o.roots[newest]}.Wrap(ctx, dataKey, dataKeyContext(version))
	if err != nil {
		return fmt.Errorf("wrap the data key: %w", err)
	}
	o.keys[version] = dataKey
	o.stored.Keys = append(o.stored.Keys, storedKey{version, newest, toSecond(now), wrapped})
	return nil
}

// Add puts the root key into the custody of root too. A wrap by the same custody is replaced.
func (o *Opened) Add(ctx context.Context, root Root, now time.Time) error {
	for i := range o.stored.Roots {
		r := &o.stored.Roots[i]
		wrapped, err := root.Wrap(ctx, o.roots[r.Version], rootKeyContext(r.Version))
		if err != nil {
			return fmt.Errorf("wrap the root key: %w", err)
		}
		r.Wraps = append(r.others(root.ID()), storedWrap{root.ID(), toSecond(now), wrapped})
	}
	return nil
}

// Remove takes the root key out of a custody. It returns ErrLastCustody if the keyring has no other.
func (o *Opened) Remove(custody string) error {
	for i := range o.stored.Roots {
		others := o.stored.Roots[i].others(custody)
		if len(others) == 0 {
			return ErrLastCustody
		}
		o.stored.Roots[i].Wraps = others
	}
	return nil
}

// others returns the wraps by other custodies.
func (r *storedRoot) others(custody string) []storedWrap {
	return slices.DeleteFunc(slices.Clone(r.Wraps), func(w storedWrap) bool { return w.Custody == custody })
}

// Encode returns the stored form.
func (o *Opened) Encode() (kept []byte, err error) {
	if o.stored.Format > 1 {
		if o.stored.MAC, err = o.stored.mac(o.newestRoot()); err != nil {
			return nil, err
		}
	}
	return json.Marshal(o.stored)
}

// toSecond returns a time as a keyring keeps it.
func toSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
