package integrity

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"
	"strings"

	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// Remains are the parts of a deployment that is not running.
type Remains struct {
	Backend store.Backend
	Slots   store.Slots
	Root    seal.Root
	Log     *io.SectionReader // the lines of an audit log; if nil, the log is at LogPath
	// Keyring opens the records of a Backend that has no keyring yet. If nil, the Backend has a keyring, which Root
	// opens.
	Keyring *seal.Keyring
	LogPath string // of the file that has the newest lines of the audit log of Node
	Node    string // "" is the only node
}

// A Finding is a fault that neither a running nor a crashed program leaves behind. It contains
// nothing secret.
type Finding struct {
	Record  string // the path of a record, or the name of a file and a position in it
	Problem string
}

// String returns one line.
func (f Finding) String() string {
	record := f.Record
	if quoted := strconv.Quote(record); quoted != `"`+record+`"` {
		record = quoted // a damaged path
	}
	return record + ": " + strings.ReplaceAll(f.Problem, "\n", "; ")
}

// A Summary counts what Verify has checked.
type Summary struct {
	Findings  int
	Records   map[string]int // by the prefix of their table
	Materials int            // that opened and have the IDs in their keys
	TokenKeys int            // that opened
	Events    int64          // in the audit log
	Revision  int64          // of the store
	Notes     []string       // remainders of a crash, which are not Findings
}

// Verify checks all parts of a deployment: every record opens and fits its path, every seal
// opens, every index agrees with its records, and the store is not older than the audit
// log. Verify writes nothing. It reports each Finding at once; the error says why Verify
// could not go on.
//
// Verify reads one revision in pages, and keeps eight bytes of each slot in memory.
func Verify(ctx context.Context, r Remains, report func(Finding)) (Summary, error) {
	keyring, err := r.keyring(ctx)
	if err != nil {
		return Summary{}, err
	}
	v := &verifier{
		slots:     r.Slots,
		materials: material.NewSealer(r.Slots, keyring.Materials()),
		ctx:       ctx,
		sealer:    keyring.Records(),
		tokenSeal: keyring.TokenKeys(),
		emit:      report,
		seed:      maphash.MakeSeed(),
		named:     map[uint64]bool{},
	}
	v.Records = map[string]int{}
	err = r.Backend.View(ctx, func(reader store.Reader) error {
		return store.New(store.AtRevision(r.Backend, reader), v.sealer).View(ctx, func(view *store.View) error {
			v.reader, v.view = reader, view
			if err := v.records(); err != nil {
				return err
			}
			return v.events(r)
		})
	})
	if err == nil {
		err = v.findOrphans()
	}
	return v.Summary, err
}

func (r Remains) keyring(ctx context.Context) (*seal.Keyring, error) {
	if r.Keyring != nil {
		return r.Keyring, nil
	}
	keyring, err := records.OpenKeyring(ctx, r.Backend, r.Root, false)
	if err != nil && !errors.Is(err, records.ErrUnfinishedCopy) {
		err = fmt.Errorf("the record %q: %w", records.KeyringPath, err)
	}
	return keyring, err
}

// A verifier is the state of one Verify.
type verifier struct {
	Summary
	slots     store.Slots
	materials material.Sealer
	ctx       context.Context
	reader    store.Reader
	view      *store.View // of the same revision
	sealer    seal.Sealer
	tokenSeal seal.Sealer
	emit      func(Finding)
	err       error // why Verify cannot go on
	format    records.Format

	seed  maphash.Seed
	named map[uint64]bool // slots that records name, by a hash
}

// note adds a note to the summary.
func (v *verifier) note(format string, args ...any) {
	v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
}

func (v *verifier) report(record string, problem error) {
	if corrupt, ok := errors.AsType[*store.CorruptError](problem); ok && corrupt.Path == record {
		problem = corrupt.Err
	}
	v.Findings++
	v.emit(Finding{record, problem.Error()})
}
