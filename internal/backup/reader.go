package backup

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A reader reads the chunks of a backup.
type reader struct {
	from    io.Reader
	chain   chain
	chunks  int64
	counted Trailer // what was read so far
	last    []byte  // the key of the last record
}

// next returns the next chunk. The chain does not have it yet.
func (r *reader) next() (kind byte, head, payload []byte, err error) {
	head = make([]byte, headSize)
	if _, err := io.ReadFull(r.from, head); err != nil {
		return 0, nil, nil, unreadable(err)
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > maxChunk {
		return 0, nil, nil, fmt.Errorf("%w: a chunk of %d bytes", ErrDamaged, size)
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(r.from, payload); err != nil {
		return 0, nil, nil, unreadable(err)
	}
	return head[0], head, payload, nil
}

func (r *reader) add(head, payload []byte) {
	r.chain.add(head, payload)
	r.chunks++
}

// unreadable returns the error for encrypted bytes that do not decrypt, or that end too early.
func unreadable(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrNotWhole
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

func (r *reader) header() (h Header, err error) {
	kind, head, payload, err := r.next()
	switch {
	case err != nil:
		return h, err
	case kind != headerChunk:
		return h, fmt.Errorf("%w: it does not begin with a header", ErrDamaged)
	}
	r.add(head, payload)
	if err := json.Unmarshal(payload, &h); err != nil {
		return h, fmt.Errorf("%w: the header: %w", ErrDamaged, err)
	}
	if h.Format > Format {
		return h, fmt.Errorf("%w: %s made it, with format %d, and this version reads formats up to %d",
			ErrNewerFormat, h.Program, h.Format, Format)
	}
	return h, nil
}

// records returns the records of the next chunk, or no records and the trailer at the end.
func (r *reader) records() (found []Record, end *Trailer, err error) {
	kind, head, payload, err := r.next()
	switch {
	case err != nil:
		return nil, nil, err
	case kind == trailerChunk:
		end, err := r.trailer(payload)
		return nil, end, err
	case kind != recordsChunk || len(payload) < 4:
		return nil, nil, fmt.Errorf("%w: chunk %d has an unknown kind", ErrDamaged, r.chunks)
	}
	r.add(head, payload)
	p := parser{rest: payload[4:]}
	for range binary.BigEndian.Uint32(payload) {
		record, err := p.record()
		if err == nil {
			err = r.count(record)
		}
		if err != nil {
			return nil, nil, err
		}
		found = append(found, record)
	}
	if len(p.rest) > 0 {
		return nil, nil, fmt.Errorf("%w: chunk %d is longer than its records", ErrDamaged, r.chunks)
	}
	return found, nil, nil
}

// count counts a record, whose key must follow the one before.
func (r *reader) count(record Record) error {
	if bytes.Compare(record.Key, r.last) <= 0 {
		return fmt.Errorf("%w: the records are not in the order of their paths", ErrDamaged)
	}
	r.last = record.Key
	r.counted.Records++
	for _, s := range record.Slots {
		if len(s.Secret) == 0 {
			r.counted.Missing++
		} else {
			r.counted.Slots++
		}
	}
	return nil
}

// trailer checks that the trailer fits what came before, and that nothing comes after.
func (r *reader) trailer(payload []byte) (*Trailer, error) {
	var t Trailer
	if err := json.Unmarshal(payload, &t); err != nil {
		return nil, fmt.Errorf("%w: the trailer: %w", ErrDamaged, err)
	}
	got := r.counted
	if t.Records != got.Records || t.Slots != got.Slots || t.Missing != got.Missing || t.Chunks != r.chunks {
		return nil, fmt.Errorf("%w: it has %d records in %d chunks, and its trailer names %d in %d",
			ErrDamaged, got.Records, r.chunks, t.Records, t.Chunks)
	}
	switch n, err := io.Copy(io.Discard, r.from); {
	case err != nil:
		return nil, unreadable(err)
	case n > 0:
		return nil, fmt.Errorf("%w: %d bytes follow its trailer", ErrDamaged, n)
	}
	return &t, nil
}
