package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Format is the format of the backups that this program writes, and the newest one that it reads.
const Format = 1

var (
	// ErrNotBackup means that a file is not a backup.
	ErrNotBackup = errors.New("this is not a backup of Keyhold")

	// ErrNewerFormat means that a newer version of the program made the backup.
	ErrNewerFormat = errors.New("a newer version of Keyhold made the backup")

	// ErrNotWhole means that the end of a backup is missing.
	ErrNotWhole = errors.New("the backup is not whole: its end is missing")

	// ErrDamaged means that a backup has other bytes than Keyhold wrote.
	ErrDamaged = errors.New("the backup is damaged")

	// ErrWrongIdentity means that a backup was encrypted to others.
	ErrWrongIdentity = errors.New("none of the identities opens the backup: it was encrypted to others")
)

// The kinds of chunks, in the order in which they come.
const (
	headerChunk  = 'H'
	recordsChunk = 'R'
	trailerChunk = 'T'
)

const (
	chunkSize = 1 << 20         // bytes from which on a chunk of records is written
	maxChunk  = 4*chunkSize - 1 // bytes of a chunk; one record has less than 1 MiB, and its slots less than 100 KiB
)

// A Header describes a backup and its deployment, as of the revision that the backup has.
type Header struct {
	Format          int       `json:"format"`
	Program         string    `json:"program,omitempty"`     // version of Keyhold
	Deployment      string    `json:"deployment,omitempty"`  // its name in the origins of its audit logs
	Account         string    `json:"account,omitempty"`     // that administers the deployment
	Records         int       `json:"records"`               // format of the records
	Revision        int64     `json:"revision"`              // of the store
	Time            time.Time `json:"time"`                  // at which the View began, by the clock of the server
	WithoutImported bool      `json:"withoutImported"`       // the backup cannot open imported key material
	Keyring         []byte    `json:"keyring"`               // the wrapped root keys and data keys
	Shared          bool      `json:"sharedStore,omitempty"` // several nodes shared the store
	Offline         bool      `json:"offline,omitempty"`     // no server made the backup
}

// A Trailer ends a backup. Sealed is the chain of the chunks before, sealed as a record of the deployment at the path
// "backup". So making a backup needs the data keys, and not only the recipients.
type Trailer struct {
	Records int64  `json:"records"`
	Slots   int64  `json:"slots"`
	Missing int64  `json:"missing"` // slots that were erased while the backup was made, or are left out on request
	Chunks  int64  `json:"chunks"`
	Sealed  []byte `json:"sealed"`
}

// sealedPath is where the chain is sealed. No record has this path.
var sealedPath = []byte("backup")

// A chain is the hash over all chunks so far.
type chain [sha256.Size]byte

// add adds a chunk, with its head, to the chain.
func (c *chain) add(head, payload []byte) {
	h := sha256.New()
	h.Write(c[:])
	h.Write(head)
	h.Write(payload)
	h.Sum(c[:0])
}

// headSize is the length of the head of a chunk: its kind, and the length of its payload.
const headSize = 5

func appendHead(b []byte, kind byte, size int) []byte {
	return binary.BigEndian.AppendUint32(append(b, kind), uint32(size))
}

// A Record is a record of the backup, sealed as in the store, and the slots that it names.
type Record struct {
	Key, Value []byte
	Slots      []Slot
}

// A Slot is a slot and its secret. The secret is empty if the slot was erased, or is left out.
type Slot struct {
	Name   string
	Secret []byte
}

func (r Record) append(b []byte) []byte {
	b = appendBytes(appendBytes(b, r.Key), r.Value)
	b = binary.AppendUvarint(b, uint64(len(r.Slots)))
	for _, s := range r.Slots {
		b = appendBytes(appendBytes(b, []byte(s.Name)), s.Secret)
	}
	return b
}

func appendBytes(b, part []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

// A parser reads the parts of a chunk of records.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) number() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 || n > uint64(len(p.rest)) {
		p.bad, p.rest = true, nil
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *parser) bytes() []byte {
	n := p.number()
	if n > uint64(len(p.rest)) {
		p.bad, p.rest = true, nil
		return nil
	}
	part := p.rest[:n:n]
	p.rest = p.rest[n:]
	return part
}

func (p *parser) record() (r Record, err error) {
	r.Key, r.Value = p.bytes(), p.bytes()
	for range p.number() {
		r.Slots = append(r.Slots, Slot{string(p.bytes()), p.bytes()})
		if p.bad {
			break
		}
	}
	if p.bad || len(r.Key) == 0 {
		err = fmt.Errorf("%w: a chunk of records has an invalid length", ErrDamaged)
	}
	return r, err
}
