package recipients

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// format is the first line of a file that is sealed by HPKE. The header has a line for each recipient, and ends with an
// empty line. Chunks of AES-256-GCM follow, under a key that is derived from the file key and the header.
const format = "keyhold-sealed-v1\n"

const (
	chunkSize   = 64 << 10 // of the plaintext
	fileKeySize = 32
	overhead    = 12 + 16 // nonce and tag of AES-GCM
	maxLine     = 4 << 10 // of the header, in bytes
)

// The strings that separate the uses of keys.
const (
	useHPKE    = "keyhold sealed v1"
	useFileKey = "keyhold sealed v1 file key"
	usePayload = "keyhold sealed v1 payload"
)

// gcm returns AES-256-GCM with random nonces, which the FIPS 140-3 module allows. The AEAD of HPKE has other nonces, so
// HPKE only exports a key (RFC 9180, section 5.3).
func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// wrapLine returns the line of a recipient in the header.
func wrapLine(r Recipient, fileKey []byte) (string, error) {
	enc, sender, err := hpke.NewSender(r.key, hpke.HKDFSHA256(), hpke.ExportOnly(), []byte(useHPKE))
	if err != nil {
		return "", err
	}
	key, err := sender.Export(useFileKey, 32)
	if err != nil {
		return "", err
	}
	defer clear(key)
	aead, err := gcm(key)
	if err != nil {
		return "", err
	}
	sealed := aead.Seal(enc, nil, fileKey, []byte(r.kind.name))
	return fmt.Sprintf("recipient: %s %s\n", r.kind.name, base64.StdEncoding.EncodeToString(sealed)), nil
}

// unwrapLine returns the file key of a line, or nil if the line is for somebody else.
func unwrapLine(kindName string, sealed []byte, id Identity) []byte {
	if id.key == nil || id.kind.name != kindName || len(sealed) != id.kind.enc+fileKeySize+overhead {
		return nil
	}
	enc, sealed := sealed[:id.kind.enc], sealed[id.kind.enc:]
	recipient, err := hpke.NewRecipient(enc, id.key, hpke.HKDFSHA256(), hpke.ExportOnly(), []byte(useHPKE))
	if err != nil {
		return nil
	}
	key, err := recipient.Export(useFileKey, 32)
	if err != nil {
		return nil
	}
	defer clear(key)
	aead, err := gcm(key)
	if err != nil {
		return nil
	}
	fileKey, err := aead.Open(nil, nil, sealed, []byte(kindName))
	if err != nil {
		return nil
	}
	return fileKey
}

// payload returns the AEAD of the chunks. A changed header gives another key.
func payload(fileKey []byte, header string) (cipher.AEAD, error) {
	sum := sha256.Sum256([]byte(header))
	key, err := hkdf.Key(sha256.New, fileKey, sum[:], usePayload, 32)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return gcm(key)
}

// place returns the associated data of a chunk: its number, and whether it is the last one.
func place(number uint64, last bool) []byte {
	text := binary.BigEndian.AppendUint64(nil, number)
	if last {
		return append(text, 1)
	}
	return append(text, 0)
}

// A writer seals a stream.
type writer struct {
	dst    io.Writer
	aead   cipher.AEAD
	plain  []byte // of the next chunk
	sealed []byte
	number uint64
	err    error
}

func newWriter(dst io.Writer, to []Recipient) (*writer, error) {
	fileKey := make([]byte, fileKeySize)
	defer clear(fileKey)
	rand.Read(fileKey)
	header := format
	for _, r := range to {
		line, err := wrapLine(r, fileKey)
		if err != nil {
			return nil, fmt.Errorf("seal to %s: %w", r.Name, err)
		}
		header += line
	}
	header += "\n"
	aead, err := payload(fileKey, header)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(dst, header); err != nil {
		return nil, err
	}
	return &writer{dst: dst, aead: aead, plain: make([]byte, 0, chunkSize)}, nil
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (n int, err error) {
	for len(p) > 0 && w.err == nil {
		if len(w.plain) == chunkSize {
			w.flush(false) // more follows, so this is not the last chunk
			continue
		}
		fits := min(len(p), chunkSize-len(w.plain))
		w.plain = append(w.plain, p[:fits]...)
		n, p = n+fits, p[fits:]
	}
	return n, w.err
}

func (w *writer) flush(last bool) {
	w.sealed = w.aead.Seal(w.sealed[:0], nil, w.plain, place(w.number, last))
	_, w.err = w.dst.Write(w.sealed)
	w.number++
	clear(w.plain)
	w.plain = w.plain[:0]
}

// Close writes the last chunk. It does not close the destination.
func (w *writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if w.flush(true); w.err != nil {
		return w.err
	}
	w.err = errors.New("the sealed file is closed")
	return nil
}

// A reader opens a stream.
type reader struct {
	src    *bufio.Reader
	aead   cipher.AEAD
	buffer []byte // of a sealed chunk
	plain  []byte // that was not yet returned, inside buffer
	number uint64
	err    error
}

var errDamaged = errors.New("the sealed file is damaged, or cut off")

// newReader reads the header. src begins with format.
func newReader(src *bufio.Reader, with []Identity) (*reader, error) {
	var header strings.Builder
	var fileKey []byte
	for n := 0; ; n++ {
		line, err := readLine(src)
		if err != nil {
			return nil, err
		}
		header.WriteString(line)
		if n == 0 {
			continue
		}
		if line == "\n" {
			break
		}
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != "recipient:" || n > MaxRecipients {
			return nil, errDamaged
		}
		sealed, err := base64.StdEncoding.Strict().DecodeString(fields[2])
		if err != nil {
			return nil, errDamaged
		}
		for i := 0; i < len(with) && fileKey == nil; i++ {
			fileKey = unwrapLine(fields[1], sealed, with[i])
		}
	}
	if fileKey == nil {
		return nil, ErrOther
	}
	defer clear(fileKey)
	aead, err := payload(fileKey, header.String())
	return &reader{src: src, aead: aead, buffer: make([]byte, chunkSize+overhead)}, err
}

// readLine reads a line of the header, with its newline.
func readLine(src *bufio.Reader) (string, error) {
	var line bytes.Buffer
	for line.Len() <= maxLine {
		part, err := src.ReadSlice('\n')
		line.Write(part)
		if err == nil {
			return line.String(), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", errDamaged
		}
	}
	return "", errDamaged
}

// Read implements io.Reader. It returns no byte that was not authenticated.
func (r *reader) Read(p []byte) (int, error) {
	for len(r.plain) == 0 && r.err == nil {
		r.fill()
	}
	if len(r.plain) == 0 {
		return 0, r.err
	}
	n := copy(p, r.plain)
	clear(r.plain[:n])
	r.plain = r.plain[n:]
	return n, nil
}

// fill opens the next chunk. err is io.EOF after the last one.
func (r *reader) fill() {
	n, err := io.ReadFull(r.src, r.buffer)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		r.err = errDamaged
		return
	}
	_, more := r.src.Peek(1)
	last := more != nil
	if n < overhead || last && !errors.Is(more, io.EOF) {
		r.err = errDamaged
		return
	}
	r.plain, err = r.aead.Open(r.buffer[:0], nil, r.buffer[:n], place(r.number, last))
	switch {
	case err != nil:
		r.plain, r.err = nil, errDamaged
	case last:
		r.err = io.EOF
	}
	r.number++
}
