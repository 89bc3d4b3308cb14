package service

import (
	"strings"

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
	c.accessKeyUse.note(p.AccessKeyID, usageRecord{Operation: c.Operation.Name, RequestID: c.ID, Time: c.now, Service: source, Region: c.Caller.Region})
}

// putAccessKeyUsages writes usages of access keys. That of a dev server is not in
// the store.
func putAccessKeyUsages(tx *store.Tx, batch []dueUsage) error {
	for _, d := range batch {
		_, ok, err := accessKeys.Get(tx, d.path)
		if err == nil && ok {
			err = accessKeyUsages.Put(tx, d.path, d.usageRecord)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
