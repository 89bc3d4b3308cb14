package service

import (
	"strings"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// noteAccessKey takes up that a request was signed with an access key of long
// standing, be it allowed or not.
func (c *call) noteAccessKey() {
	p := c.Caller.Principal
	if p.AccessKeyID == "" || p.Session != nil {
		return
	}
	source, _, _ := strings.Cut(c.Operation.source(), ".")
	// Copies, as these are parts of the header of the request, which would be kept as a
	// whole.
	id, region := strings.Clone(p.AccessKeyID), strings.Clone(c.Caller.Region)
	c.accessKeyUse.note(id, records.Usage{Operation: c.Operation.Name, RequestID: c.ID, Time: c.now, Service: source, Region: region})
}

// putAccessKeyUsages writes usages of access keys. That of a dev server is not in
// the store.
func putAccessKeyUsages(tx *store.Tx, batch []dueUsage) error {
	for _, d := range batch {
		_, ok, err := records.AccessKeys.Get(tx, d.path)
		if err == nil && ok {
			err = records.AccessKeyUsages.Put(tx, d.path, d.Usage)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
