package boltpages

import (
	"bytes"
	"testing"
)

// An inline bucket is a page of records without a number, exactly as long as its records.
func TestInlineBuckets(t *testing.T) {
	page := func(number uint64, kind, count uint16, overflow uint32, rest ...byte) []byte {
		b := order.AppendUint64(nil, number)
		b = order.AppendUint16(b, kind)
		b = order.AppendUint16(b, count)
		return append(order.AppendUint32(b, overflow), rest...)
	}
	record := func(flags uint32) []byte {
		var b []byte
		for _, field := range []uint32{flags, elementSize, 1, 1} { // flags, position, key size and value size
			b = order.AppendUint32(b, field)
		}
		return append(b, 'k', 'v')
	}
	for name, test := range map[string]struct {
		bytes []byte
		ok    bool
	}{
		"empty":               {page(0, kindLeaf, 0, 0), true},
		"a record":            {page(0, kindLeaf, 1, 0, record(0)...), true},
		"short":               {page(0, kindLeaf, 0, 0)[:pageHeader-1], false},
		"a number":            {page(1, kindLeaf, 0, 0), false},
		"a branch":            {page(0, kindBranch, 0, 0), false},
		"a number, a branch":  {page(1, kindBranch, 0, 0), false},
		"overflow":            {page(0, kindLeaf, 0, 1), false},
		"a byte more":         {page(0, kindLeaf, 0, 0, 0), false},
		"a byte less":         {bytes.TrimSuffix(page(0, kindLeaf, 1, 0, record(0)...), []byte("v")), false},
		"a bucket in it":      {page(0, kindLeaf, 1, 0, record(1)...), false},
		"a record not there":  {page(0, kindLeaf, 2, 0, record(0)...), false},
		"a record not listed": {page(0, kindLeaf, 0, 0, record(0)...), false},
	} {
		if err := inlineBucket(test.bytes); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
