package integrity

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// pageSize is the number of records that are in memory at a time.
const pageSize = 500

// records checks all records in the order of their paths.
func (v *verifier) records() error {
	v.Revision = v.view.Rev()
	if err := v.readFormat(); err != nil {
		return err
	}
	rows := checks()
	for from := []byte(nil); v.err == nil; {
		items, next, err := v.page(from)
		if err != nil {
			return err
		}
		for _, item := range items {
			v.record(rows, item)
		}
		if next == nil {
			break
		}
		from = next
	}
	v.deployment()
	return v.err
}

// page returns some records, beginning with a path, and the path after them, which is nil at the
// end. It leaves out a record that the Backend refuses to read.
func (v *verifier) page(from []byte) (items []store.Item, next []byte, err error) {
	items, err = v.reader.Scan(from, nil, pageSize)
	corrupt, ok := errors.AsType[*store.CorruptError](err)
	if ok && bytes.Compare([]byte(corrupt.Path), from) >= 0 {
		v.report(corrupt.Path, corrupt)
		next = []byte(corrupt.Path + "\x00")
		items, err = v.reader.Scan(from, []byte(corrupt.Path), pageSize)
		return items, next, err
	}
	if len(items) > 0 {
		next = append(items[len(items)-1].Key, 0)
	}
	return items, next, err
}

// record checks one record.
func (v *verifier) record(rows map[string]check, item store.Item) {
	prefix, path, _ := strings.Cut(string(item.Key), "/")
	check, known := rows[prefix]
	switch {
	case string(item.Key) == records.KeyringPath: // was opened before
		v.Records[records.KeyringPath]++
		return
	case !known || path == "":
		v.report(string(item.Key), errors.New("no kind of record has such a path"))
		return
	}
	v.Records[prefix]++
	plain, err := v.sealer.Open(item.Key, item.Value)
	if err == nil {
		err = check(v, path, plain)
	}
	if err != nil {
		v.report(string(item.Key), err)
	}
}

// events checks the audit log. It must not contain a later revision than the store has.
func (v *verifier) events(r Remains) error {
	found, err := v.readLog(r)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	v.Events = found.Events
	if err := journal.CompareAge(v.Revision, found.Revision, found.Events > 0); err != nil {
		v.report("audit log", err)
	}
	if found.Torn > 0 {
		v.note("%d bytes at the end of the audit log were torn: the next start removes them", found.Torn)
	}
	return nil
}

// readLog checks the lines, and all that protects them if the log is in a folder.
func (v *verifier) readLog(r Remains) (audit.Reading, error) {
	if r.Log != nil {
		return audit.Read(r.Log, func(line int64, err error) { v.report(fmt.Sprintf("audit log, line %d", line), err) })
	}
	found, err := VerifyLog(v.ctx, v.view, r.Node, r.LogPath, func(f audit.Finding) {
		v.report("audit log", errors.New(f.String()))
	})
	if found.Missing > 0 {
		v.note("%d tiles of the audit log are missing", found.Missing)
	}
	return audit.Reading{Events: found.Events, Revision: found.Revision, Torn: found.Torn}, err
}
