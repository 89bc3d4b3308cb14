package integrity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// grant checks a grant and its index entries.
func (v *verifier) grant(path string, g key.Grant) error {
	if records.GrantPath(g) != path || key.CheckGrantID(g.ID) != nil {
		return errMoved
	}
	requireRecord(v, records.GrantsOfGrantee, records.GrantOfGranteePath(g), "grant/"+path)
	requireRecord(v, records.GrantGuards, records.KeyPathOfGrant(g), "grant/"+path)
	v.checkIndexed(g, "grant/"+path)
	if g.Retiring != "" {
		requireRecord(v, records.GrantsOfRetirer, records.GrantOfRetirerPath(g), "grant/"+path)
	}
	if g.Name != "" {
		request, err := records.GrantRequestPath(g)
		if err != nil {
			return err
		}
		requireRecord(v, records.GrantRequests, request, "grant/"+path)
	}
	return v.grantOnKey(g)
}

// grantOnKey checks the grant against the rules and against its key.
func (v *verifier) grantOnKey(g key.Grant) error {
	if err := g.Check(); err != nil {
		return err
	}
	k, there, whole := lookUp(v, records.Keys, records.KeyPathOfGrant(g))
	switch {
	case !there:
		return errors.New("there is no such key")
	case whole:
		return k.CheckGrant(g)
	}
	return nil
}

// grantOf checks an entry of an index: the grant at the path must exist and fit the entry.
func (v *verifier) grantOf(path string, fits func(key.Grant) bool) error {
	g, there, whole := lookUp(v, records.Grants, path)
	if !there || whole && !fits(g) {
		return errors.New("no such grant is there")
	}
	return nil
}

func (v *verifier) grantOfGrantee(path string, _ struct{}) error {
	parts := strings.Split(path, "/") // account, Region, key ID, grantee, grant ID
	if len(parts) != 5 {
		return errMoved
	}
	grant := records.KeyPath(parts[0], parts[1], parts[2]) + "/" + parts[4]
	return v.grantOf(grant, func(g key.Grant) bool { return records.GrantOfGranteePath(g) == path })
}

func (v *verifier) grantOfRetirer(path string, _ struct{}) error {
	parts := strings.Split(path, "/") // Region, retiring principal, account, key ID, grant ID
	if len(parts) != 5 {
		return errMoved
	}
	grant := records.KeyPath(parts[2], parts[0], parts[3]) + "/" + parts[4]
	return v.grantOf(grant, func(g key.Grant) bool { return records.GrantOfRetirerPath(g) == path })
}

func (v *verifier) grantRequest(path string, r records.GrantRequest) error {
	parts := strings.Split(path, "/") // account, Region, key ID, digest
	if len(parts) != 4 || r.GrantID == "" {
		return errMoved
	}
	return v.grantOf(records.KeyPath(parts[0], parts[1], parts[2])+"/"+r.GrantID, func(g key.Grant) bool {
		request, err := records.GrantRequestPath(g)
		return err == nil && request == path
	})
}

// grantGuard checks the number of grants on a key. While a key is being removed, its guard is
// not updated.
func (v *verifier) grantGuard(path string, guard records.GrantGuard) error {
	k, there, whole := lookUp(v, records.Keys, path)
	if !there {
		return errors.New("there is no such key")
	}
	if !whole || k.State == key.Gone {
		return nil
	}
	if n, ok := v.count(records.GrantsOfGrantee, path+"/"); ok && n != guard.Count {
		return fmt.Errorf("it counts %d grants, and there are %d", guard.Count, n)
	}
	return nil
}

// count counts the entries of an index under a path, in pages. ok is false if an entry cannot be read: a damaged
// entry has a finding of its own, and after any other error Verify fails.
func (v *verifier) count(index store.Table[struct{}], under string) (n int, ok bool) {
	for after := ""; ; {
		page, err := index.Scan(v.view, under, after, pageSize)
		if err != nil {
			if _, corrupt := errors.AsType[*store.CorruptError](err); !corrupt {
				v.err = errors.Join(v.err, err)
			}
			return 0, false
		}
		if n += len(page); len(page) < pageSize {
			return n, true
		}
		after = page[len(page)-1].Path
	}
}
