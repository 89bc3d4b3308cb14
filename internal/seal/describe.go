package seal

import "time"

// A Description lists the keys and custodies of a keyring. It contains nothing secret, and can be made without a
// custody.
type Description struct {
	Format    int
	Roots     []RootKey // the newest is the last; none in format 1
	Custodies []Custody // none in format 1, whose only custody has no name there
	Keys      []DataKey // the data keys; the newest is the last
}

// A RootKey is a root key in a Description.
type RootKey struct {
	Version uint32
	Made    time.Time
}

// A Custody is a custody in a Description.
type Custody struct {
	ID    string
	Since time.Time
	Lags  bool // it has not wrapped the newest root key yet, and opens the keyring by a bridge
}

// A DataKey is a data key in a Description.
type DataKey struct {
	Version uint32
	Made    time.Time // zero in format 1
	Waiting bool
}

// Describe returns the Description of a stored keyring. Only Open finds out whether somebody altered it.
func Describe(kept []byte) (d Description, err error) {
	s, err := parseKeyring(kept)
	if err != nil {
		return d, err
	}
	return (&Opened{stored: s}).Describe(), nil
}

// Describe returns the Description of the keyring.
func (o *Opened) Describe() Description {
	d := Description{Format: o.stored.format()}
	for _, r := range o.stored.Roots {
		d.Roots = append(d.Roots, RootKey{r.Version, r.Made})
	}
	for _, id := range o.stored.custodies() {
		d.Custodies = append(d.Custodies, Custody{id, o.since(id), o.Lags(id)})
	}
	for _, k := range o.stored.Keys {
		d.Keys = append(d.Keys, DataKey{k.Version, k.Made, k.Waiting})
	}
	return d
}

// Has reports whether a custody is in the keyring.
func (d Description) Has(custody string) bool {
	for _, c := range d.Custodies {
		if c.ID == custody {
			return true
		}
	}
	return false
}
