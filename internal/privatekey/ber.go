package privatekey

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

const (
	// maxSize is the maximum size of a private key before it is parsed, in bytes. RFC 5649 key
	// wrap allows no longer material, and BER needs more bytes than DER.
	maxSize = 8192
	// maxDepth is the maximum nesting of elements. DER needs 6 levels, with attributes.
	maxDepth = 16
)

// ToDER returns the DER of a value in BER (X.690, sections 8 and 10) and what follows
// the value, in a copy for the caller to clear. Lengths become definite and as short as
// possible, and an OCTET STRING or BIT STRING in segments becomes one. Nothing else
// changes, so DER stays as it is.
//
// Bytes that ToDER cannot convert are returned as they are: the parser refuses them.
// These are bytes that are not BER, elements deeper than maxDepth, tags of several
// bytes, and segments of a BIT STRING that do not end with a byte.
//
// The result is never longer than ber: below 64 KiB a definite length takes no more
// bytes than an indefinite length with its end.
func ToDER(ber []byte) []byte {
	der := make([]byte, len(ber))
	rest := cryptobyte.String(ber)
	out := cryptobyte.NewFixedBuilder(der[:0])
	if convert(&rest, out, maxDepth) {
		out.AddBytes(rest)
		if converted, err := out.Bytes(); err == nil {
			return converted
		}
	}
	copy(der, ber)
	return der
}

const constructed asn1.Tag = 0x20

// convert reads one element in BER and writes the element in DER. It reports whether it
// succeeded.
func convert(in *cryptobyte.String, out *cryptobyte.Builder, depth int) (ok bool) {
	h, ok := readHeader(in)
	switch {
	case !ok || depth == 0:
		return false
	case h.tag&constructed == 0:
		var content []byte
		ok = h.readPrimitive(in, &content)
		out.AddASN1(h.tag, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	case h.tag == asn1.OCTET_STRING|constructed, h.tag == asn1.BIT_STRING|constructed:
		out.AddASN1(h.tag&^constructed, func(b *cryptobyte.Builder) {
			if h.tag == asn1.BIT_STRING|constructed {
				b.AddUint8(0) // number of unused bits of the last byte
			}
			ok = joinSegments(in, h, b, depth-1)
		})
	default:
		out.AddASN1(h.tag, func(b *cryptobyte.Builder) {
			ok = h.readElements(in, func(in *cryptobyte.String) bool { return convert(in, b, depth-1) })
		})
	}
	return ok
}

// joinSegments writes the bytes of a string in segments. The segments are strings of the same
// type, which may be in segments again (X.690, sections 8.6.4 and 8.7.3).
func joinSegments(in *cryptobyte.String, whole berHeader, out *cryptobyte.Builder, depth int) bool {
	return whole.readElements(in, func(in *cryptobyte.String) bool {
		h, ok := readHeader(in)
		if !ok || depth == 0 || h.tag|constructed != whole.tag {
			return false
		}
		if h.tag == whole.tag {
			return joinSegments(in, h, out, depth-1)
		}
		var content []byte
		ok = h.readPrimitive(in, &content)
		if ok && h.tag == asn1.BIT_STRING {
			if len(content) == 0 || content[0] != 0 {
				return false
			}
			content = content[1:]
		}
		out.AddBytes(content)
		return ok
	})
}

// A berHeader is the header of an element: its tag and length.
type berHeader struct {
	tag        asn1.Tag
	length     int
	indefinite bool
}

// readHeader reads a tag of one byte and a length in any form (X.690, section 8.1).
func readHeader(in *cryptobyte.String) (h berHeader, ok bool) {
	var tag, first uint8
	if !in.ReadUint8(&tag) || !in.ReadUint8(&first) || tag&0x1f == 0x1f || tag&^uint8(constructed) == 0 {
		return h, false
	}
	h.tag = asn1.Tag(tag)
	switch {
	case first < 0x80:
		h.length = int(first)
	case first == 0x80:
		h.indefinite = true
	case first == 0xff:
		return h, false // reserved
	default:
		for range first & 0x7f {
			var next uint8
			if !in.ReadUint8(&next) || h.length > maxSize {
				return h, false
			}
			h.length = h.length<<8 | int(next)
		}
	}
	return h, true
}

func (h berHeader) readPrimitive(in *cryptobyte.String, content *[]byte) bool {
	return !h.indefinite && in.ReadBytes(content, h.length)
}

// readElements calls read for each element of a constructed value. It reports whether the value is well formed
// and every call succeeded.
func (h berHeader) readElements(in *cryptobyte.String, read func(in *cryptobyte.String) bool) bool {
	if h.indefinite {
		for !bytes.HasPrefix(*in, []byte{0, 0}) {
			if !read(in) {
				return false
			}
		}
		return in.Skip(2)
	}
	var content []byte
	if !in.ReadBytes(&content, h.length) {
		return false
	}
	elements := cryptobyte.String(content)
	for !elements.Empty() {
		if !read(&elements) {
			return false
		}
	}
	return true
}
