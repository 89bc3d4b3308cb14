package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/integrity"
)

// logFacts describe the audit log that a deployment leaves behind.
type logFacts struct {
	audit.Reading
	bytes  int64
	sha256 string
}

// readLogFacts reads a whole audit log. Lines that are not events are reported.
func readLogFacts(log *io.SectionReader, report func(integrity.Finding)) (f logFacts, err error) {
	findings := 0
	f.Reading, err = audit.Read(log, func(line int64, err error) {
		findings++
		report(integrity.Finding{Record: fmt.Sprintf("audit log, line %d", line), Problem: err.Error()})
	})
	if err != nil {
		return f, fmt.Errorf("read the audit log: %w", err)
	}
	if findings > 0 {
		return f, ErrUnsound
	}
	digest := sha256.New()
	f.bytes, err = io.Copy(digest, io.NewSectionReader(log, 0, log.Size()))
	f.sha256 = hex.EncodeToString(digest.Sum(nil))
	return f, err
}
