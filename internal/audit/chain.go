package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"

	"golang.org/x/mod/sumdb/tlog"
)

// The last member of a line is the value of the chain: `,"chain":"…"}` with 22 characters of base64url.
const (
	chainMember = `,"chain":"`
	chainSize   = 16
	chainText   = 22
	chainedLen  = len(chainMember) + chainText + len(`"}`)
)

// emptyChain replaces the last brace and newline of a line. The writer fills in the value.
const emptyChain = chainMember + `0000000000000000000000"}` + "\n"

var errUnchainable = errors.New("audit: the line is not an object")

// A chain authenticates the lines of a log with a key. The value of a line is the beginning of
//
//	HMAC-SHA-256(key, index ‖ value of the line before ‖ SHA-256(0x00 ‖ line up to the member chain))
//
// with the index as 8 bytes, big-endian. A line without the member, which an older version wrote, counts as zeros.
type chain struct {
	mac   hash.Hash
	line  hash.Hash
	index int64 // of the next line
	value [chainSize]byte
	input [8 + chainSize + sha256.Size]byte
	sum   [sha256.Size]byte
}

// newChain returns the chain after the line before index. key is nil for the hashes of lines alone.
func newChain(key []byte, index int64, value [chainSize]byte) *chain {
	return &chain{mac: hmac.New(sha256.New, key), line: sha256.New(), index: index, value: value}
}

var leafPrefix = []byte{0} // RFC 6962, section 2.1

// advance computes the value of the next line, which ends with the member chain, and the hash of the line in the tree.
// put is called with the value before the hash is computed.
func (c *chain) advance(line []byte, put func(place []byte)) tlog.Hash {
	head := len(line) - chainedLen
	c.line.Reset()
	c.line.Write(leafPrefix)
	c.line.Write(line[:head])
	in := binary.BigEndian.AppendUint64(c.input[:0], uint64(c.index))
	in = append(in, c.value[:]...)
	in = c.line.Sum(in)
	c.mac.Reset()
	c.mac.Write(in)
	copy(c.value[:], c.mac.Sum(c.sum[:0]))
	c.index++
	put(line[head+len(chainMember) : len(line)-2])
	c.line.Write(line[head:])
	return tlog.Hash(c.line.Sum(c.sum[:0]))
}

// fill writes the values into lines that have room for them, and calls leaf with the hash of each.
func (c *chain) fill(lines []byte, leaf func(tlog.Hash)) {
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n')
		leaf(c.advance(lines[:end], func(place []byte) { base64.RawURLEncoding.Encode(place, c.value[:]) }))
		lines = lines[end+1:]
	}
}

// check computes the hash of a line, and reports whether the value in the line is right. The next line continues from
// the value in the line, right or wrong, so that each edit is reported once.
func (c *chain) check(line []byte) (leaf tlog.Hash, right bool) {
	stated, chained := chainOf(line)
	if !chained {
		right = c.value == [chainSize]byte{} // in front of the first chained line
		c.index, c.value = c.index+1, [chainSize]byte{}
		return tlog.RecordHash(line), right
	}
	leaf = c.advance(line, func([]byte) {})
	right = hmac.Equal(c.value[:], stated[:])
	c.value = stated
	return leaf, right
}

// chainOf returns the value in a line without its newline, and whether the line has one.
func chainOf(line []byte) (value [chainSize]byte, ok bool) {
	head := len(line) - chainedLen
	if head < 1 || string(line[head:head+len(chainMember)]) != chainMember || string(line[len(line)-2:]) != `"}` {
		return value, false
	}
	return parseChain(string(line[head+len(chainMember) : len(line)-2]))
}

func parseChain(text string) (value [chainSize]byte, ok bool) {
	if len(text) != chainText {
		return value, false
	}
	_, err := base64.RawURLEncoding.Strict().Decode(value[:], []byte(text))
	return value, err == nil
}

// encodeChain returns a value of the chain as it is in a line.
func encodeChain(value [chainSize]byte) string { return base64.RawURLEncoding.EncodeToString(value[:]) }
