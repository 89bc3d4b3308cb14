package cloudtrail

import (
	"bufio"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Folder returns a Sink that writes compressed files with the names that CloudTrail gives to its files:
//
//	AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz
//
// A file never replaces another one.
func Folder(path string) Sink {
	return &files{batches: map[group]*batch{}, create: func(g group, last time.Time) (io.WriteCloser, error) {
		account, region := plain(g.account), plain(g.region)
		folder := filepath.Join(path, "AWSLogs", account, "CloudTrail", region, g.day.Format("2006/01/02"))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		at := last.Format("20060102T1504Z")
		name := fmt.Sprintf("%s_CloudTrail_%s_%s_%s.json.gz", account, region, at, rand.Text()[:16])
		return os.OpenFile(filepath.Join(folder, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}}
}

// plain returns a text as part of a path. Accounts and Regions have letters, digits and hyphens alone, but a damaged
// line may have anything.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, text[:min(len(text), 64)])
}

// writeRecords writes a file in the form of CloudTrail, and closes it.
func writeRecords(w io.WriteCloser, records [][]byte) error {
	buffered := bufio.NewWriter(w)
	z := gzip.NewWriter(buffered)
	_, err := io.WriteString(z, `{"Records":[`)
	for i, r := range records {
		if i > 0 {
			_, comma := io.WriteString(z, ",")
			err = errors.Join(err, comma)
		}
		if err == nil {
			_, err = z.Write(r)
		}
	}
	if err == nil {
		_, err = io.WriteString(z, "]}")
	}
	return errors.Join(err, z.Close(), buffered.Flush(), w.Close())
}
