package records

import (
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// Formats keeps the format of all records, in one record. It is a record and not a
// number of the Backend, because it must change in the transactions that change the
// records, in whatever Backend they lie, and because a sealed record cannot be altered.
var Formats = tableOf[Format]("format")

const FormatPath = "records"

// NewestFormat is the format of the records that this program writes. Format 1 has no
// record of its own.
const NewestFormat = 2

// A Format is the format of all records and, while a migration is under way, how
// far it has come. Its members stay the same for ever: older programs read it.
type Format struct {
	Format int    `json:"format"`
	To     int    `json:"to,omitzero"`    // the format that a migration brings the records to
	After  string `json:"after,omitzero"` // where the migration goes on
}

// ErrNewerFormat: a newer version of the program made the records.
var ErrNewerFormat = errors.New("the data were made by a newer version of the program")

// Check refuses what this program does not know.
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
