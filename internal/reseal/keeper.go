package reseal

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// A Config configures a Keeper. All fields must be set.
type Config struct {
	Store     *store.Store
	Keyring   *seal.Keyring // of the process, as it was read at its start
	Custody   seal.Root     // that opened the keyring
	Materials *material.Vault
	Log       *slog.Logger
	Now       func() time.Time // the clock of tokens
	// Record makes a change that the server makes on its own, together with its event.
	Record func(ctx context.Context, event string, details any, change func(*store.Tx) error) error
	// May returns why nothing is changed in the background now, or nil: the disk is full, or the clock is not trusted.
	May func() error
	// Mine reports whether this process seals the records of the deployment again.
	Mine func() bool
}

// A Keeper keeps the keyring of a process up to date, and changes it. Its methods may be called concurrently.
type Keeper struct {
	Config
	custody atomic.Pointer[seal.Root]
	changed chan struct{} // signals that the stored keyring may have changed
	pass    pass          // used by Step alone
}

// New returns the Keeper of a process.
func New(c Config) *Keeper {
	k := &Keeper{Config: c, changed: make(chan struct{}, 1)}
	k.custody.Store(&c.Custody)
	return k
}

// Root returns the custody by which this process opens the keyring.
func (k *Keeper) Root() seal.Root { return *k.custody.Load() }

// Members returns what this process has of the keyring, for the heartbeat of its node.
func (k *Keeper) Members() records.SealMembers {
	return records.SealMembers{
		Custody: k.Root().ID(), DataKey: k.Keyring.Latest(), Sealing: k.Keyring.Sealing(),
	}
}

// Changed notes that other nodes have changed records. It does not wait for the custody, which may be slow
// (store.Store.OnChange).
func (k *Keeper) Changed(_ int64, paths []string) {
	if paths == nil || slices.Contains(paths, records.KeyringPath) {
		k.note()
	}
}

// note has Run read the keyring again.
func (k *Keeper) note() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// stored returns the stored keyring.
func (k *Keeper) stored(ctx context.Context) (item store.Item, err error) {
	err = k.Store.View(ctx, func(v *store.View) error {
		item, err = records.StoredKeyring.Get(v)
		return err
	})
	return item, err
}

// reload reads the keyring again. If the custody of this process has not wrapped the newest root key, it does so.
func (k *Keeper) reload(ctx context.Context) error {
	item, err := k.stored(ctx)
	if err != nil {
		return err
	}
	d, err := seal.Describe(item.Value)
	if err != nil || k.isCurrent(d) {
		return err
	}
	root := k.Root()
	o, err := seal.Open(ctx, root, item.Value)
	if err != nil {
		return err
	}
	k.Keyring.Replace(o.Keyring())
	if !o.Lags(root.ID()) {
		return nil
	}
	c, err := k.prepare(ctx, func(o *seal.Opened) error { return o.Adopt(ctx, root) })
	if err == nil {
		details := CustodyDetails{Custody: root.ID()}
		err = k.Record(ctx, "AdoptRootKey", details, func(tx *store.Tx) error { return c.Put(tx) })
	}
	if err == nil {
		k.Log.Info("the custody of this server has wrapped the new root key", "custody", root.ID())
	}
	return err
}

// CustodyDetails are in the events of changes of custody.
type CustodyDetails struct {
	Custody string `json:"custody"`
	Added   bool   `json:"added,omitzero"` // and not removed
}
