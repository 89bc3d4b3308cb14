package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// readSource refuses a source that must not be copied, and notes what identifies its state.
func (c *copier) readSource(ctx context.Context, r store.Reader) error {
	c.revision = r.Rev()
	keyring, err := store.ReadItem(r, []byte(records.KeyringPath))
	if err != nil {
		return err
	}
	c.wrapped = keyring.Value
	if err := c.readLog(); err != nil {
		return err
	}
	return c.viewOf(r).View(ctx, func(v *store.View) error {
		f, err := records.ReadFormat(v)
		if err = errors.Join(err, f.Check()); err != nil {
			return err
		}
		if f.Format < c.oldestFormat() {
			return fmt.Errorf("%w: format %d, and this program writes format %d", ErrOlderFormat, f.Format, records.NewestFormat)
		}
		d, _, err := records.Deployments.Get(v, records.DeploymentPath)
		if c.account = d.Account; err != nil {
			return err
		}
		if c.Snapshot != nil {
			c.progress.Source = c.Snapshot.Name()
			return nil
		}
		if err := c.readNodes(v); err != nil {
			return err
		}
		c.progress.Source, err = c.stateOf(v)
		return err
	})
}

// oldestFormat returns the oldest format of records that can be copied. The records of a backup keep their format, and
// the first start on the target migrates them.
func (c *copier) oldestFormat() int {
	if c.Snapshot != nil {
		return records.BackupFormat
	}
	return records.NewestFormat
}

// stateOf returns a text that is different after each start of a node on the source. It returns ErrServing if a node
// may be serving.
func (c *copier) stateOf(v *store.View) (string, error) {
	serving, err := records.Confirmations.Scan(v, "", "", 1)
	switch {
	case err != nil:
		return "", err
	case len(serving) > 0:
		return "", fmt.Errorf("%w: node %s", ErrServing, serving[0].Path)
	case !c.From.Shared:
		return strconv.FormatInt(v.Rev(), 10), nil
	}
	var newest int64
	for after := ""; ; {
		fences, err := records.Fences.Scan(v, "", after, store.MaxBatch)
		if err != nil || len(fences) == 0 {
			return strconv.FormatInt(newest, 10), err
		}
		for _, f := range fences {
			rev, err := records.Fences.Revision(v, f.Path)
			if err != nil {
				return "", err
			}
			newest = max(newest, rev)
		}
		after = fences[len(fences)-1].Path
	}
}

// checkUnused returns an error if a node has started on the source since the copy was begun.
func (c *copier) checkUnused(ctx context.Context) error {
	if c.Snapshot != nil {
		return nil
	}
	return store.New(c.From.Backend, c.sealer).View(ctx, func(v *store.View) error {
		state, err := c.stateOf(v)
		if err == nil && state != c.progress.Source {
			err = ErrChanged
		}
		return err
	})
}

// viewOf returns a Store whose Views show the revision of r.
func (c *copier) viewOf(r store.Reader) *store.Store {
	return store.New(store.AtRevision(c.From.Backend, r), c.sealer)
}

// readLog refuses a source that is older than its audit log, because the new log of the target cannot show this.
func (c *copier) readLog() (err error) {
	if c.Log == nil {
		return nil
	}
	if c.log, err = readLogFacts(c.Log, c.Report); err != nil {
		return err
	}
	return c.checkAge("audit log", c.log)
}

// checkAge refuses a source that is older than one of its audit logs.
func (c *copier) checkAge(name string, log logFacts) error {
	if err := journal.CompareAge(c.revision, log.Revision, log.Events > 0); err != nil {
		c.Report(integrity.Finding{Record: name, Problem: err.Error()})
		return ErrUnsound
	}
	return nil
}

// readNodes notes the nodes of a shared source, and checks the copies of their logs.
func (c *copier) readNodes(v *store.View) error {
	if !c.From.Shared {
		return nil
	}
	all, err := records.Nodes.Scan(v, "", "", store.MaxBatch)
	if err != nil {
		return err
	}
	left := maps.Clone(c.Logs)
	for _, n := range all {
		found := NodeLog{ID: n.Path, Address: n.Value.Address, Bytes: n.Value.LogBytes}
		if log := c.Logs[n.Path]; log != nil {
			if found, err = c.readNodeLog(found, n.Value, log); err != nil {
				return err
			}
		}
		c.nodes = append(c.nodes, found)
		delete(left, n.Path)
	}
	for id := range left {
		return fmt.Errorf("%w: %s", ErrNoNode, id)
	}
	return nil
}

// readNodeLog checks the copy of the log of a node.
func (c *copier) readNodeLog(found NodeLog, n records.Node, log *io.SectionReader) (NodeLog, error) {
	name := "audit log of node " + found.ID
	if err := audit.CheckCopy(log, audit.Mark{Bytes: n.LogBytes, Event: n.LastEvent}); err != nil {
		c.Report(integrity.Finding{Record: name, Problem: err.Error()})
		return found, ErrUnsound
	}
	facts, err := readLogFacts(log, c.Report)
	if err != nil {
		return found, err
	}
	found.Bytes, found.SHA256 = facts.bytes, facts.sha256
	return found, c.checkAge(name, facts)
}

// tablesOf returns the names of both maps, in order.
func tablesOf(a, b map[string]int) []string {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return slices.Sorted(maps.Keys(both))
}
