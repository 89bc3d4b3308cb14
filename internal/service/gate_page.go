package service

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A page is one part of a listing: as many records as fit, after the last record of the
// previous page. The marker is a name and not a number, so a page stays correct while records
// are added and removed.
type page struct {
	operation string
	after     string // the path of the last record of the previous page
	limit     int
	more      bool
}

// pageOf reads the Marker and Limit of a request. A limit above most is reduced to most.
func pageOf(operation string, marker *string, limit *int32, def, most int) (*page, error) {
	p := &page{operation: operation, limit: min(int(or(limit, int32(def))), most)}
	if marker == nil {
		return p, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(*marker)
	after, ok := strings.CutPrefix(string(b), operation+":")
	if err != nil || !ok {
		return nil, errMarker()
	}
	p.after = after
	return p, nil
}

// next returns the NextMarker and Truncated of the answer.
func (p *page) next() (*string, bool) {
	if !p.more {
		return nil, false
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(p.operation + ":" + p.after))), true
}

// sealedPageOf is pageOf for a listing by an index of all accounts: the marker names a record of any account, so it is
// sealed, and belongs to the account and the Region of the caller.
func (c *call) sealedPageOf(operation string, marker *string, limit *int32, def, most int) (*page, error) {
	if marker == nil {
		return pageOf(operation, nil, limit, def, most)
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(*marker)
	if err != nil {
		return nil, errMarker()
	}
	opened, err := c.markers.Open(c.placeOfMarkers(), sealed)
	if err != nil {
		return nil, errMarker()
	}
	return pageOf(operation, new(string(opened)), limit, def, most)
}

// sealedNext is next for a page of sealedPageOf.
func (c *call) sealedNext(p *page) (*string, bool, error) {
	marker, more := p.next()
	if !more {
		return nil, false, nil
	}
	sealed, err := c.markers.Seal(c.placeOfMarkers(), []byte(*marker))
	if err != nil {
		return nil, false, err
	}
	return new(base64.RawURLEncoding.EncodeToString(sealed)), true, nil
}

func (c *call) placeOfMarkers() []byte {
	return []byte(records.ScopePath(c.Caller.Principal.AccountID, c.Caller.Region))
}

func errMarker() error { return key.Errorf(key.KindInvalidMarker, "The marker is not valid.") }

// list calls fn with the records of the page whose paths begin with under.
func list[T any](p *page, v *store.View, t store.Table[T], under string, fn func(path string, record T) error) error {
	after := p.after
	if after != "" {
		after = under + after
	}
	records, err := t.Scan(v, under, after, p.limit+1)
	if err != nil {
		return err
	}
	if p.more = len(records) > p.limit; p.more {
		records = records[:p.limit]
		p.after = strings.TrimPrefix(records[p.limit-1].Path, under)
	}
	for _, r := range records {
		if err := fn(strings.TrimPrefix(r.Path, under), r.Value); err != nil {
			return err
		}
	}
	return nil
}

// part returns the page of a short list that is completely in memory, sorted by name.
func part[T any](p *page, all []T, name func(T) string) []T {
	all = slices.SortedFunc(slices.Values(all), func(a, b T) int { return strings.Compare(name(a), name(b)) })
	all = slices.DeleteFunc(all, func(v T) bool { return p.after != "" && name(v) <= p.after })
	if p.more = len(all) > p.limit; p.more {
		all = all[:p.limit]
		p.after = name(all[p.limit-1])
	}
	return all
}
