package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/host"
)

// The values of --audit-sync.
const (
	syncAlways = "always"
	syncSoon   = "soon"
)

// auditSync is the flag that says when the events of a server are on the disk.
type auditSync struct{ when string }

func (o *auditSync) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.when, "audit-sync", syncSoon,
		"when an answer leaves: soon (its event is written, and on the disk 10 ms later) or always (it is on the disk)")
	completeWords(c, "audit-sync", syncSoon, syncAlways)
}

func (o auditSync) check() error {
	if o.when != syncSoon && o.when != syncAlways {
		return usageError{fmt.Errorf("--audit-sync %q is neither soon nor always", o.when)}
	}
	return nil
}

// apply configures the audit log of a deployment.
func (o auditSync) apply(d host.Deployment) {
	if o.when == syncAlways {
		d.SyncAlways()
	}
}
