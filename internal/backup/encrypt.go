package backup

import (
	"errors"
	"fmt"
	"io"

	"github.com/keyhold/keyhold/internal/recipients"
)

// MaxRecipients is the maximum number of recipients of a backup.
const MaxRecipients = 16

// decrypt returns a reader of the sealed content of a backup.
func decrypt(from io.Reader, identities []recipients.Identity) (io.Reader, error) {
	plain, err := recipients.Open(from, identities...)
	if errors.Is(err, recipients.ErrOther) {
		return nil, ErrWrongIdentity
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return plain, nil
}
