package cloudtrail

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/transparency"
)

// A Log is a log to export. Name is what errors call it.
type Log struct {
	Name string
	transparency.Reader
}

// A Period is the time from From on and before Until. A zero time does not limit.
type Period struct{ From, Until time.Time }

func (p Period) has(t time.Time) bool {
	return (p.From.IsZero() || !t.Before(p.From)) && (p.Until.IsZero() || t.Before(p.Until))
}

// A Result counts events.
type Result struct {
	Exported int64
	Doubles  int64 // events that another log has too
}

// A Sink keeps records.
type Sink interface {
	Add(Record) error
	Close() error
}

// Export gives the records of several logs of a deployment to a sink: each event once, in the order of its log. Only
// events that a node wrote for another one can be in two logs, so Export first collects their IDs.
func Export(ctx context.Context, logs []Log, p Period, to Sink) (result Result, err error) {
	recovered, err := recoveredIDs(ctx, logs)
	if err != nil {
		return result, err
	}
	err = each(ctx, logs, func(r Record) error {
		if !p.has(r.Time) {
			return nil
		}
		if written, ok := recovered[r.ID]; ok && written {
			result.Doubles++
			return nil
		} else if ok {
			recovered[r.ID] = true
		}
		result.Exported++
		return to.Add(r)
	})
	if err == nil {
		err = to.Close()
	}
	return result, err
}

// recoveredIDs returns the IDs of events that can be in two logs. The value says that the event was exported.
func recoveredIDs(ctx context.Context, logs []Log) (map[string]bool, error) {
	ids := map[string]bool{}
	if len(logs) < 2 {
		return ids, nil
	}
	err := each(ctx, logs, func(r Record) error {
		if r.Recovered {
			ids[r.ID] = false
		}
		return nil
	})
	return ids, err
}

// each calls fn with the record of each line of each log.
func each(ctx context.Context, logs []Log, fn func(Record) error) error {
	for _, log := range logs {
		index := log.First()
		for line, err := range log.Lines(ctx, index) {
			var r Record
			if err == nil {
				r, err = Parse(line)
			}
			if err != nil {
				return fmt.Errorf("%s, line %d: %w", log.Name, index, err)
			}
			if err := fn(r); err != nil {
				return err
			}
			index++
		}
	}
	return nil
}

// lines is a Sink that writes a record on each line.
type lines struct{ w io.Writer }

// Lines returns a Sink that writes JSON lines.
func Lines(w io.Writer) Sink { return lines{w} }

// Add implements Sink.
func (l lines) Add(r Record) error {
	_, err := l.w.Write(append(r.Text, '\n'))
	return err
}

// Close implements Sink.
func (lines) Close() error { return nil }

// The sizes of a file, and of the records in memory.
const (
	fileBytes   = 16 << 20 // of records, before compression
	memoryBytes = 64 << 20
)

// A group is the records of one file.
type group struct {
	account, region string
	day             time.Time
}

// batch is the records of a group that wait for a file.
type batch struct {
	records [][]byte
	bytes   int
	last    time.Time
}

// A files collects records for files, by account, Region and day.
type files struct {
	create  func(group, time.Time) (io.WriteCloser, error)
	batches map[group]*batch
	bytes   int
}

// Add implements Sink.
func (f *files) Add(r Record) error {
	g := group{cmp.Or(r.Account, "000000000000"), cmp.Or(r.Region, "unknown"), r.Time.Truncate(24 * time.Hour)}
	b := f.batches[g]
	if b == nil {
		b = &batch{}
		f.batches[g] = b
	}
	b.records, b.last = append(b.records, r.Text), r.Time
	b.bytes += len(r.Text)
	f.bytes += len(r.Text)
	if b.bytes >= fileBytes {
		return f.write(g)
	}
	if f.bytes >= memoryBytes {
		return f.write(f.largest())
	}
	return nil
}

func (f *files) largest() group {
	return slices.MaxFunc(slices.Collect(maps.Keys(f.batches)), func(a, b group) int {
		return cmp.Compare(f.batches[a].bytes, f.batches[b].bytes)
	})
}

// Close implements Sink.
func (f *files) Close() error {
	groups := slices.SortedFunc(maps.Keys(f.batches), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.region, b.region), a.day.Compare(b.day))
	})
	for _, g := range groups {
		if err := f.write(g); err != nil {
			return err
		}
	}
	return nil
}

// write writes the file of a group.
func (f *files) write(g group) error {
	b := f.batches[g]
	delete(f.batches, g)
	f.bytes -= b.bytes
	w, err := f.create(g, b.last)
	if err != nil {
		return err
	}
	return writeRecords(w, b.records)
}
