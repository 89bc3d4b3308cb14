package backup

import (
	"encoding/binary"
	"encoding/json"
	"io"

	"github.com/keyhold/keyhold/internal/seal"
)

// A writer writes the chunks of a backup.
type writer struct {
	to      io.Writer
	chain   chain
	trailer Trailer
	page    []byte // encoded records of the next chunk
	count   uint32
}

func (w *writer) chunk(kind byte, parts ...[]byte) error {
	var payload []byte
	for _, p := range parts {
		payload = append(payload, p...)
	}
	defer clear(payload)
	head := appendHead(nil, kind, len(payload))
	w.chain.add(head, payload)
	w.trailer.Chunks++
	if _, err := w.to.Write(head); err != nil {
		return err
	}
	_, err := w.to.Write(payload)
	return err
}

func (w *writer) header(h Header) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return w.chunk(headerChunk, text)
}

// add adds a record, and writes a chunk when there are enough records.
func (w *writer) add(r Record) error {
	w.page = r.append(w.page)
	w.count++
	w.trailer.Records++
	for _, s := range r.Slots {
		if len(s.Secret) == 0 {
			w.trailer.Missing++
		} else {
			w.trailer.Slots++
		}
	}
	if len(w.page) < chunkSize {
		return nil
	}
	return w.flush()
}

func (w *writer) flush() error {
	if w.count == 0 {
		return nil
	}
	err := w.chunk(recordsChunk, binary.BigEndian.AppendUint32(nil, w.count), w.page)
	clear(w.page)
	w.page, w.count = w.page[:0], 0
	return err
}

// finish writes the trailer.
func (w *writer) finish(sealer seal.Sealer) (err error) {
	if err := w.flush(); err != nil {
		return err
	}
	if w.trailer.Sealed, err = sealer.Seal(sealedPath, w.chain[:]); err != nil {
		return err
	}
	text, err := json.Marshal(w.trailer)
	if err != nil {
		return err
	}
	_, err = w.to.Write(append(appendHead(nil, trailerChunk, len(text)), text...))
	return err
}
