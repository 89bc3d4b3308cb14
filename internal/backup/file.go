package backup

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/keyhold/keyhold/internal/recipients"
	"github.com/keyhold/keyhold/internal/store"
)

// A File is a backup in a file. Its outer form was checked.
type File struct {
	Outer
	Header Header

	file       *os.File
	begin, end int64 // of the sealed file
	identities []recipients.Identity
	small      []store.Item // the records of small tables, in order, once Check has read them
	checked    *chain       // of all chunks, once Check has read them
	slots      Slots        // of the records that a View has read last

	// pendingLost are the multi-Region keys, by records.FamilyPath, whose pending material Check did not find.
	pendingLost map[string]bool
}

// OpenOuter opens a backup, and checks its outer form.
func OpenOuter(path string) (f *File, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	outer, err := CopyOuter(io.Discard, file, func(int64) {})
	if err != nil {
		file.Close()
		return nil, err
	}
	return &File{Outer: outer, file: file, begin: int64(len(firstLine())), end: outer.Bytes, slots: Slots{}}, nil
}

// Open opens a backup, checks its outer form, and reads its header.
func Open(path string, identities []recipients.Identity) (f *File, err error) {
	if f, err = OpenOuter(path); err != nil {
		return nil, err
	}
	f.identities = identities
	if _, f.Header, err = f.read(); err != nil {
		f.file.Close()
		return nil, err
	}
	return f, nil
}

// read begins to read the backup, and returns its header.
func (f *File) read() (*reader, Header, error) {
	encrypted := io.NewSectionReader(f.file, f.begin, f.end-f.begin)
	plain, err := decrypt(bufio.NewReaderSize(encrypted, 64<<10), f.identities)
	if err != nil {
		return nil, Header{}, err
	}
	r := &reader{from: plain}
	h, err := r.header()
	return r, h, err
}

// Name returns a text that is different for each backup. The File must have been checked.
func (f *File) Name() string { return fmt.Sprintf("backup %x", f.checked[:16]) }

// Slots returns the slots of the records that a View has read last.
func (f *File) Slots() Slots { return f.slots }

// Commit implements store.Backend. A backup never changes.
func (f *File) Commit(context.Context, store.Batch) (int64, error) { return 0, errReadOnly }

// Watch implements store.Backend.
func (f *File) Watch(context.Context, int64, func(store.Change) error) error { return errReadOnly }

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

var errReadOnly = fmt.Errorf("backup: %w: a backup can only be read", store.ErrInvalid)
