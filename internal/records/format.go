package records

import (
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// Formats keeps the format of all records, in one record. The format is a record and not a number
// of the Backend, because it must change in the transactions that change the records, with any
// Backend, and because nobody can alter a sealed record.
var Formats = tableOf[Format]("format")

const FormatPath = "records"

// NewestFormat is the format of the records that this program writes. A deployment of format 1
// has no record of the format.
const NewestFormat = 7

// BackupFormat is the oldest format of the records in a backup: no older version makes backups.
const BackupFormat = 6

// A Format is the format of all records and, during a migration, the progress of the migration.
// Its members never change, because older programs read the record.
type Format struct {
	Format int    `json:"format"`
	To     int    `json:"to,omitzero"`    // the format to which a migration brings the records
	After  string `json:"after,omitzero"` // the path after which the migration continues
}

// ErrNewerFormat means that a newer version of the program wrote the records.
var ErrNewerFormat = errors.New("the data were made by a newer version of the program")

// Check returns an error if this program does not know the format.
func (f Format) Check() error {
	if format := max(f.Format, f.To); format > NewestFormat {
		return fmt.Errorf("%w: format %d, and this program knows formats up to %d", ErrNewerFormat, format, NewestFormat)
	}
	return nil
}

// ReadFormat returns the format of the records.
func ReadFormat(from store.Getter) (Format, error) {
	f, ok, err := Formats.Get(from, FormatPath)
	if !ok {
		f.Format = 1
	}
	return f, err
}

// newFormat returns the write that gives a new deployment its format.
func newFormat(s seal.Sealer) (w store.Write, err error) {
	plain, err := Formats.Codec.Encode(Format{Format: NewestFormat})
	if err != nil {
		return w, err
	}
	w.Key = []byte(Formats.Prefix + "/" + FormatPath)
	w.Value, err = s.Seal(w.Key, plain)
	return w, err
}
