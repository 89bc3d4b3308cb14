package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

var (
	// ErrServing means that a node may use the source.
	ErrServing = errors.New("a node uses the store that is to be copied")

	// ErrOlderFormat means that the records of the source have an older format.
	ErrOlderFormat = errors.New("the records have an older format")

	// ErrChanged means that the source was used since the copy was begun.
	ErrChanged = errors.New("the copied store was used since the copy was begun")

	// ErrNotEmpty means that the target contains something else than a copy of the same deployment.
	ErrNotEmpty = errors.New("the target is not empty")

	// ErrOtherCopy means that another process writes to the target.
	ErrOtherCopy = errors.New("another process copies to the same target")

	// ErrNoNode means that the source has no node of an ID.
	ErrNoNode = errors.New("the copied store has no such node")

	// ErrUnsound means that the source or the target has findings, each of which was reported.
	ErrUnsound = errors.New("the copy is not complete")
)

// A Side is one of the two stores of a copy.
type Side struct {
	Backend store.Backend
	Slots   store.Slots
	Shared  bool // several nodes can use the store
}

// A Snapshot is a source that no server can use, such as a backup. It may lack the secrets of slots.
type Snapshot interface {
	// Name is different for each snapshot.
	Name() string

	// WithoutLost returns a key without the material whose slot is lost, and whether there was such material.
	WithoutLost(k key.Key) (_ key.Key, lost bool)

	// IsLost reports whether the slot of a token key is lost.
	IsLost(slot string) bool
}

// A Config describes a copy. The fields up to Report must be set, except for Log and Logs.
type Config struct {
	From, To Side
	Root     seal.Root                    // of both stores
	Log      *io.SectionReader            // the audit log of From, or nil if From is shared
	Logs     map[string]*io.SectionReader // copies of the audit logs of nodes, by their IDs, if From is shared
	Now      func() time.Time
	Progress func(records int)       // called after each page
	Report   func(integrity.Finding) // called for each reason of ErrUnsound

	// Snapshot is set if From is one. Then From.Shared does not matter.
	Snapshot Snapshot
	// Amend, if set, changes the copy before it is verified and can be used. node has the events of the copy. After a
	// kill, Amend runs again.
	Amend func(ctx context.Context, to *store.Store, node string) error
	// Event and Details are the name and the details of the event of the copy, by default CopyStore and its details.
	Event   string
	Details func(records map[string]int) any
}

// A Summary describes a complete copy.
type Summary struct {
	integrity.Summary       // of the target; Revision is a revision of the target
	Source            int64 // the revision of the source that was copied
	Continued         bool  // an earlier process began the copy
	LogEvents         int64 // in the audit log of the source
	Nodes             []NodeLog
	AuditKey          string // public key of the audit log that the target begins, or "" if nodes share the target
}

// A NodeLog is the audit log of a node of the source.
type NodeLog struct {
	ID, Address string
	Bytes       int64  // its length; at least, if there is no copy
	SHA256      string // of the copy, or "" if there is none
}

// A copier is the state of one copy.
type copier struct {
	Config
	keyring *seal.Keyring
	sealer  seal.Sealer // of records
	from    material.Sealer
	to      material.Sealer
	wrapped []byte // the keyring of the source
	account string
	log     logFacts
	nodes   []NodeLog

	revision  int64 // of the source
	progress  records.Copy
	marker    int64 // revision of the progress in the target
	continued bool

	page []store.Write
	size int
}

// Copy copies the deployment in c.From to c.To, verifies the copy, and completes it.
func Copy(ctx context.Context, c Config) (Summary, error) {
	keyring, err := records.OpenKeyring(ctx, c.From.Backend, c.Root, false)
	if err != nil {
		return Summary{}, err
	}
	p := &copier{Config: c, keyring: keyring, sealer: keyring.Records()}
	p.from = material.NewSealer(c.From.Slots, keyring.Materials())
	p.to = material.NewSealer(c.To.Slots, keyring.Materials())
	err = c.From.Backend.View(ctx, func(r store.Reader) error {
		if err := p.readSource(ctx, r); err != nil {
			return err
		}
		if err := p.begin(ctx); err != nil {
			return err
		}
		return p.records(ctx, r)
	})
	if err == nil {
		err = p.checkUnused(ctx)
	}
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Source: p.revision, Continued: p.continued, LogEvents: p.log.Events, Nodes: p.nodes}
	if err := p.amend(ctx); err != nil {
		return s, err
	}
	if s.Summary, err = p.verify(ctx); err != nil {
		return s, err
	}
	s.AuditKey, err = p.finish(ctx)
	return s, err
}

// amend calls Amend, if the target has as many records as the source.
func (c *copier) amend(ctx context.Context) error {
	if c.Amend == nil {
		return nil
	}
	if !c.progress.Amended {
		found, err := countRecords(ctx, c.To.Backend)
		if err != nil {
			return err
		}
		if c.compare(found) > 0 {
			return ErrUnsound
		}
		c.progress.Amended = true
		if err := c.flush(ctx); err != nil {
			return err
		}
	}
	return c.Amend(ctx, store.New(c.To.Backend, c.sealer), c.progress.Node)
}

// countRecords counts the records of a store by the prefix of their table.
func countRecords(ctx context.Context, b store.Backend) (map[string]int, error) {
	found := map[string]int{}
	return found, b.View(ctx, func(r store.Reader) error {
		for from := []byte(nil); ; {
			items, err := r.Scan(from, nil, readAtOnce)
			if err != nil || len(items) == 0 {
				return err
			}
			for _, item := range items {
				prefix, _, _ := strings.Cut(string(item.Key), "/")
				found[prefix]++
			}
			from = append(items[len(items)-1].Key, 0)
		}
	})
}

// verify checks everything in the target, and compares the numbers of records with the source.
func (c *copier) verify(ctx context.Context) (integrity.Summary, error) {
	found, err := integrity.Verify(ctx, integrity.Remains{
		Backend: c.To.Backend, Slots: c.To.Slots, Keyring: c.keyring, Log: io.NewSectionReader(strings.NewReader(""), 0, 0),
	}, c.Report)
	if err != nil {
		return found, err
	}
	delete(found.Records, records.Copies.Prefix)
	if c.Amend == nil {
		found.Findings += c.compare(found.Records)
	}
	if found.Findings > 0 {
		return found, ErrUnsound
	}
	return found, nil
}

// compare reports each table of which the target has not as many records as were copied.
func (c *copier) compare(found map[string]int) (findings int) {
	delete(found, records.Copies.Prefix)
	for _, prefix := range tablesOf(c.progress.Counts, found) {
		if want, got := c.progress.Counts[prefix], found[prefix]; want != got {
			findings++
			problem := fmt.Sprintf("%d records were copied, and the target has %d", want, got)
			c.Report(integrity.Finding{Record: prefix, Problem: problem})
		}
	}
	return findings
}
