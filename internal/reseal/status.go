package reseal

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// A Status has the custodies of the root key, the ages of the keys, and the progress of a rotation.
type Status struct {
	Format    int
	Custodies []Custody
	Root      seal.RootKey // zero in a keyring of format 1
	Keys      []DataKey
	Rotation  *records.Reseal // nil unless a data key replaces older ones
}

// A Custody is a custody in a Status.
type Custody struct {
	seal.Custody
	InUse bool     // this process opens the keyring by it
	Nodes []string // the IDs of the nodes that do so, sorted; empty if no nodes share the store
}

// The states of data keys.
const (
	StateSealing = "Sealing" // values are sealed under the data key
	StateWaiting = "Waiting" // until every node has the data key
	StateOpening = "Opening" // older values are opened under the data key
)

// A DataKey is a data key in a Status.
type DataKey struct {
	Version uint32
	Made    time.Time
	State   string
	// Records is the number of records that name the data key, or -1 if they were not counted. It is only known of data
	// keys that are being replaced.
	Records int64
}

// Status returns the state of the seal.
func (k *Keeper) Status(ctx context.Context) (s Status, err error) {
	var item store.Item
	var serving map[string]records.Node
	var rotation records.Reseal
	var rotates bool
	err = k.Store.View(ctx, func(v *store.View) error {
		if item, err = records.StoredKeyring.Get(v); err != nil {
			return err
		}
		if rotation, rotates, err = records.Reseals.Get(v, records.ResealPath); err != nil {
			return err
		}
		serving, err = servingNodes(v)
		return err
	})
	if err != nil {
		return s, err
	}
	d, err := seal.Describe(item.Value)
	if err != nil {
		return s, corrupt(err)
	}
	if rotates {
		s.Rotation = &rotation
	}
	s.Format, s.Custodies, s.Keys = d.Format, custodies(d, k.Root().ID(), serving), dataKeys(d, s.Rotation)
	if len(d.Roots) > 0 {
		s.Root = d.Roots[len(d.Roots)-1]
	}
	return s, nil
}

// maxNodes is more than the number of nodes of a deployment.
const maxNodes = 1000

// servingNodes returns the nodes that may answer requests, by their IDs. There are none unless nodes share the store.
func servingNodes(v *store.View) (map[string]records.Node, error) {
	serving, err := records.Confirmations.Scan(v, "", "", maxNodes)
	all := map[string]records.Node{}
	for _, c := range serving {
		n, _, err := records.Nodes.Get(v, c.Path)
		if err != nil {
			return nil, err
		}
		all[c.Path] = n
	}
	return all, err
}

// custodies returns the custodies of a keyring, and who uses them. A keyring of format 1 has only the custody in use.
func custodies(d seal.Description, used string, serving map[string]records.Node) (all []Custody) {
	if d.Format == 1 {
		d.Custodies = []seal.Custody{{ID: used}}
	}
	for _, c := range d.Custodies {
		one := Custody{Custody: c, InUse: c.ID == used}
		for id, n := range serving {
			if n.Custody == c.ID {
				one.Nodes = append(one.Nodes, id)
			}
		}
		slices.Sort(one.Nodes)
		all = append(all, one)
	}
	return all
}

func dataKeys(d seal.Description, rotation *records.Reseal) (all []DataKey) {
	sealing := uint32(0)
	for _, k := range d.Keys {
		if !k.Waiting {
			sealing = max(sealing, k.Version)
		}
	}
	for _, k := range d.Keys {
		one := DataKey{k.Version, k.Made, StateOpening, -1}
		switch {
		case k.Waiting:
			one.State, one.Records = StateWaiting, 0
		case k.Version == sealing:
			one.State = StateSealing
		case rotation != nil && rotation.IsCounted():
			one.Records = rotation.Left[strconv.FormatUint(uint64(k.Version), 10)]
		}
		all = append(all, one)
	}
	return all
}
