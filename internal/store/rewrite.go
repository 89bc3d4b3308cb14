package store

// An Unsealed record has a value that the [Sealer] neither seals nor opens, for what the Sealer itself depends on. It
// is the key of the record, which belongs to no [Table].
type Unsealed string

// Get returns the item of the record. If the record is absent, the Rev of the item is 0. A Tx does not show a Put of
// its own.
func (u Unsealed) Get(from Getter) (Item, error) {
	item, err := from.item(string(u))
	if tx, ok := from.(*Tx); ok && err == nil {
		tx.read[string(u)] = item.Rev
	}
	return item, err
}

// Put creates or replaces the record.
func (u Unsealed) Put(tx *Tx, value []byte) {
	if tx.unsealed == nil {
		tx.unsealed = map[string][]byte{}
	}
	tx.unsealed[string(u)] = value
}

// Sealed returns at most limit items behind the key after, sealed, and of all tables. If after is "", it begins with
// the first item.
func (v *View) Sealed(after string, limit int) ([]Item, error) {
	var from []byte
	if after != "" {
		from = append([]byte(after), 0)
	}
	return v.reader.Scan(from, nil, limit)
}

// Open returns the opened value of an item of Sealed. It returns the errors of [Table.Get].
func (v *View) Open(item Item) ([]byte, error) { return v.open(item) }

// Sealed is View.Sealed for a transaction, which also returns the View that opens the items. The Tx checks only the
// items that it seals again.
func (tx *Tx) Sealed(after string, limit int) (*View, []Item, error) {
	v, err := tx.beneath()
	if err != nil {
		return nil, nil, err
	}
	items, err := v.Sealed(after, limit)
	return v, items, err
}

// Reseal replaces the opened value of an item of Sealed, which the transaction checks. The same value is sealed
// again.
func (tx *Tx) Reseal(item Item, plain []byte) {
	tx.read[string(item.Key)] = item.Rev
	tx.put(string(item.Key), plain)
}
