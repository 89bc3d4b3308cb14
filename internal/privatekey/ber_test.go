package privatekey

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// A berStyle is a way to write elements in BER.
type berStyle struct {
	constructed func(tag byte, content []byte) []byte // writes an element that contains elements
	primitive   func(tag byte, content []byte) []byte
}

var (
	indefinite = func(tag byte, content []byte) []byte {
		return slices.Concat([]byte{tag, 0x80}, content, []byte{0, 0})
	}
	longLength = func(tag byte, content []byte) []byte {
		return slices.Concat([]byte{tag, 0x84, 0, 0, byte(len(content) >> 8), byte(len(content))}, content)
	}
	longestLength = func(tag byte, content []byte) []byte {
		length := make([]byte, 126)
		length[124], length[125] = byte(len(content)>>8), byte(len(content))
		return slices.Concat([]byte{tag, 0xfe}, length, content)
	}
	shortLength = func(tag byte, content []byte) []byte { return derElement(tag, content) }
)

// segmentWriter returns a function that writes strings in segments of at most size bytes, and
// other primitive values unchanged.
func segmentWriter(size int, whole func(tag byte, content []byte) []byte) func(tag byte, content []byte) []byte {
	return func(tag byte, content []byte) []byte {
		var prefix []byte
		switch asn1.Tag(tag) {
		case asn1.OCTET_STRING:
		case asn1.BIT_STRING:
			prefix, content = content[:1], content[1:]
		default:
			return derElement(tag, content)
		}
		var segments [][]byte
		for part := range slices.Chunk(content, size) {
			segments = append(segments, derElement(tag, prefix, part))
		}
		return whole(tag|0x20, slices.Concat(segments...))
	}
}

var berStyles = map[string]berStyle{
	"indefinite lengths":           {indefinite, shortLength},
	"lengths of four bytes":        {longLength, longLength},
	"lengths of 126 bytes":         {longestLength, shortLength},
	"long lengths around elements": {longLength, shortLength},
	"segments":                     {shortLength, segmentWriter(7, shortLength)},
	"one segment":                  {shortLength, segmentWriter(4096, indefinite)},
	"indefinite segments":          {indefinite, segmentWriter(16, indefinite)},
	"segments with long lengths":   {indefinite, segmentWriter(100, longLength)},
	"segments of segments":         {indefinite, func(tag byte, content []byte) []byte { return writeNested(tag, content) }},
	"long lengths inside segments": {longLength, segmentWriter(31, indefinite)},
}

// writeNested writes a string as segments, and the last segment as segments again.
func writeNested(tag byte, content []byte) []byte {
	if tag != byte(asn1.OCTET_STRING) || len(content) == 0 {
		return derElement(tag, content)
	}
	half := len(content) / 2
	return indefinite(tag|0x20, slices.Concat(
		derElement(tag), derElement(tag, content[:half]), indefinite(tag|0x20, derElement(tag, content[half:]))))
}

// toBER writes all elements of a value in DER in a style, including the elements inside an OCTET
// STRING.
func toBER(t *testing.T, der []byte, style berStyle) (ber []byte) {
	t.Helper()
	for input := cryptobyte.String(der); !input.Empty(); {
		var content cryptobyte.String
		var tag asn1.Tag
		if !input.ReadAnyASN1(&content, &tag) {
			t.Fatalf("not DER: %x", input)
		}
		switch {
		case tag&constructed != 0:
			ber = append(ber, style.constructed(byte(tag), toBER(t, content, style))...)
		case tag == asn1.OCTET_STRING && isKey(content):
			ber = append(ber, style.primitive(byte(tag), toBER(t, content, style))...)
		default:
			ber = append(ber, style.primitive(byte(tag), content)...)
		}
	}
	return ber
}

// isKey reports whether an OCTET STRING contains an RSAPrivateKey or ECPrivateKey, and not a
// scalar, which has 66 bytes at most.
func isKey(octets []byte) bool {
	return len(octets) > 66 || len(octets) > 6 && bytes.HasPrefix(octets[2:], []byte{2, 1, 1, 4})
}

// "Asymmetric key material must be BER-encoded or DER-encoded" (developer guide,
// Requirements for imported key material): a key in BER is the same key.
func TestParseBER(t *testing.T) {
	for spec := range opensslKeys {
		der := opensslKey(t, spec)
		kept := mustParse(t, spec, der)
		for name, style := range berStyles {
			ber := toBER(t, der, style)
			given := bytes.Clone(ber)
			k, err := Parse(spec, ber)
			if bytes.Equal(ber, der) || err != nil || !bytes.Equal(k.PKCS8, kept) {
				t.Errorf("%s with %s: %v", spec, name, err)
			}
			if !bytes.Equal(ber, given) {
				t.Errorf("%s with %s: Parse changed what it was given", spec, name)
			}
			if got, err := SpecOf(ber); got != spec || err != nil {
				t.Errorf("%s with %s: it is taken for %q: %v", spec, name, got, err)
			}
		}
	}
}

// OpenSSL reads the same BER, so the tests write valid BER. OpenSSL reads neither a NULL with a
// long length nor a BIT STRING in segments, so the EC key has no public key.
func TestOpenSSLReadsTheSameBER(t *testing.T) {
	for _, spec := range []string{"RSA_2048", "ECC_NIST_P384"} {
		der := opensslKey(t, spec)
		public := openssl(t, der, "pkey", "-inform", "DER", "-pubout", "-outform", "DER")
		if spec[:3] == "ECC" {
			sec1 := openssl(t, der, "ec", "-inform", "DER", "-outform", "DER", "-no_public")
			der = openssl(t, sec1, "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER")
		}
		for _, name := range []string{"indefinite lengths", "long lengths around elements", "segments", "one segment"} {
			ber := toBER(t, der, berStyles[name])
			if !bytes.Equal(openssl(t, ber, "pkey", "-inform", "DER", "-pubout", "-outform", "DER"), public) {
				t.Errorf("%s with %s: another key", spec, name)
			}
		}
	}
}

// ToDER converts BER, and returns bytes that it cannot convert unchanged.
func TestToDER(t *testing.T) {
	deep := func(depth int) []byte {
		ber := []byte{2, 1, 0}
		for range depth {
			ber = indefinite(0x30, ber)
		}
		return ber
	}
	deepDER := []byte{2, 1, 0}
	for range 15 {
		deepDER = derSequence(deepDER)
	}
	for name, c := range map[string]struct{ ber, want []byte }{ // nil means unchanged
		"nothing":                                  {},
		"half a header":                            {ber: []byte{0x30}},
		"indefinite, empty":                        {[]byte{0x30, 0x80, 0, 0}, []byte{0x30, 0}},
		"indefinite, with something after it":      {[]byte{0x30, 0x80, 5, 0, 0, 0, 0xa, 0xb}, []byte{0x30, 2, 5, 0, 0xa, 0xb}},
		"indefinite, without its end":              {ber: []byte{0x30, 0x80, 5, 0}},
		"indefinite, with half its end":            {ber: []byte{0x30, 0x80, 5, 0, 0}},
		"indefinite and not constructed":           {ber: []byte{4, 0x80, 0, 0}},
		"an end in a definite length":              {ber: []byte{0x30, 0x81, 2, 0, 0}},
		"a reserved length":                        {ber: []byte{0x30, 0xff, 0}},
		"a length beyond the end":                  {ber: []byte{0x30, 0x82, 0, 4, 5, 0}},
		"a length beyond an int":                   {ber: []byte{0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0}},
		"half a length":                            {ber: []byte{0x30, 0x82, 0}},
		"a tag of two bytes":                       {ber: []byte{0x30, 0x80, 0x1f, 0x20, 0, 0, 0}},
		"as deep as it may be":                     {deep(15), deepDER},
		"too deep":                                 {ber: deep(16)},
		"segments":                                 {[]byte{0x24, 0x80, 4, 1, 7, 4, 0, 4, 1, 8, 0, 0}, []byte{4, 2, 7, 8}},
		"segments in a definite length":            {[]byte{0x24, 6, 4, 1, 7, 4, 1, 8}, []byte{4, 2, 7, 8}},
		"segments of segments":                     {[]byte{0x24, 0x80, 0x24, 3, 4, 1, 7, 0x24, 0x80, 4, 1, 8, 0, 0, 0, 0}, []byte{4, 2, 7, 8}},
		"no segments":                              {[]byte{0x24, 0}, []byte{4, 0}},
		"a segment of another type":                {ber: []byte{0x24, 5, 4, 0, 2, 1, 0}},
		"a segment of another string type":         {ber: []byte{0x24, 5, 4, 0, 3, 1, 0}},
		"segments that are too deep":               {ber: bytes.Repeat([]byte{0x24, 0x80}, 40)},
		"bits in segments":                         {[]byte{0x23, 0x80, 3, 2, 0, 7, 3, 3, 0, 8, 9, 0, 0}, []byte{3, 4, 0, 7, 8, 9}},
		"bits in segments that do not fill a byte": {ber: []byte{0x23, 0x80, 3, 2, 4, 0x70, 0, 0}},
		"a segment of bits without a first byte":   {ber: []byte{0x23, 0x80, 3, 0, 0, 0}},
		"bits without segments":                    {ber: []byte{0x23, 0}},
	} {
		want := c.want
		if want == nil {
			want = c.ber
		}
		if got := ToDER(c.ber); !bytes.Equal(got, want) {
			t.Errorf("%s: %x", name, got)
		}
	}
}

// The reasons for refusals of keys in BER are the same as in DER. Other violations of DER are
// refused.
func TestBadBER(t *testing.T) {
	const spec = "ECC_NIST_P256"
	der := opensslKey(t, spec)
	p := mustPKCS8(t, der)
	algorithm := derSequence(derOID(p.algorithm...), p.parameters)
	ber := toBER(t, der, berStyles["indefinite lengths"])
	for name, c := range map[string]struct {
		ber   []byte
		cause string
	}{
		"without its end":        {ber[:len(ber)-2], "is not PKCS #8 in DER or BER"},
		"with something after":   {append(bytes.Clone(ber), '\n'), "has something after its PKCS #8"},
		"a version in two bytes": {indefinite(0x30, slices.Concat([]byte{2, 2, 0, 0}, algorithm, derOctets(p.privateKey))), "has no PKCS #8 version"},
		"a version of 1":         {indefinite(0x30, slices.Concat([]byte{2, 1, 1}, algorithm, derOctets(p.privateKey))), "the PKCS #8 version 1"},
		"of another curve":       {toBER(t, opensslKey(t, "ECC_NIST_P384"), berStyles["segments"]), "is on the curve 1.3.132.0.34"},
		"that is too long":       {padPKCS8(t, der, maxECSize+1), "too many for a key on the curve P-256"},
	} {
		wantRefused(t, name, spec, c.ber, c.cause)
	}
}

// The limit applies to the size in DER, except for up to two bytes of the length of the inner
// private key.
func TestSizeBoundIsThatOfDER(t *testing.T) {
	const spec = "ECC_NIST_P521"
	der := padPKCS8(t, opensslKey(t, spec), maxECSize-2)
	if ber := toBER(t, der, berStyles["lengths of 126 bytes"]); len(ber) <= maxECSize {
		t.Errorf("BER of %d bytes", len(ber))
	} else if got := mustParse(t, spec, ber); !bytes.Equal(got, mustParse(t, spec, der)) {
		t.Error("another key")
	}
}

// The copies of a private key are erased.
func TestCopiesAreErased(t *testing.T) {
	for _, style := range []string{"indefinite lengths", "segments"} {
		p, err := splitPKCS8(toBER(t, opensslKey(t, "ECC_NIST_P256"), berStyles[style]))
		if err != nil {
			t.Fatal(err)
		}
		whole, inner := p.whole, p.privateKey
		p.erase()
		if len(whole) == 0 || len(inner) == 0 || strings.Trim(string(whole)+string(inner), "\x00") != "" {
			t.Errorf("%s: something is left", style)
		}
	}
}

// FuzzToDER checks that a result is at most as long as its input, and is not changed by another
// conversion. Bytes that a strict parser accepts as DER are unchanged.
func FuzzToDER(f *testing.F) {
	for _, der := range seedKeys(f) {
		f.Add(der)
		f.Add(indefinite(0x30, der[4:]))
		f.Add(segmentWriter(50, indefinite)(4, der))
	}
	f.Add([]byte{0x24, 0x80, 0x24, 0x80, 4, 1, 7, 0, 0, 0, 0})
	f.Add([]byte{0x23, 0x80, 3, 2, 0, 7, 3, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, ber []byte) {
		given := bytes.Clone(ber)
		der := ToDER(ber)
		switch {
		case !bytes.Equal(ber, given):
			t.Fatal("the input changed")
		case len(der) > len(ber):
			t.Fatalf("%x became longer: %x", ber, der)
		case len(ber) > 0 && len(der) > 0 && &der[0] == &ber[0]:
			t.Fatal("it is no copy")
		case !bytes.Equal(ToDER(der), der):
			t.Fatalf("%x is converted further, to %x", der, ToDER(der))
		case isDER(ber) && !bytes.Equal(der, ber):
			t.Fatalf("%x was DER and became %x", ber, der)
		case !bytes.Equal(der, ber) && !isDER(der):
			t.Fatalf("%x became %x, which is not DER", ber, der)
		}
	})
}

// isDER reports whether bytes begin with one element in DER without strings in segments, as far
// as a parser can decide without knowing the meaning of the values.
func isDER(der []byte) bool {
	input := cryptobyte.String(der)
	return isElement(&input)
}

func isElement(input *cryptobyte.String) bool {
	var content cryptobyte.String
	var tag asn1.Tag
	if !input.ReadAnyASN1(&content, &tag) {
		return false
	}
	if tag&constructed == 0 {
		return true
	}
	if tag == asn1.OCTET_STRING|constructed || tag == asn1.BIT_STRING|constructed {
		return false
	}
	for !content.Empty() {
		if !isElement(&content) {
			return false
		}
	}
	return true
}
