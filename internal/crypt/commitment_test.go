package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// expandTwice returns the encryption key and the commitment for a blob's header and salt, like openByHand.
func expandTwice(t *testing.T, material, blob []byte) (encryptionKey, commitment []byte) {
	derived, err := hkdf.Key(sha256.New, material, nil, "keyhold ciphertext v1"+string(blob[:113]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return derived[:32], derived[32:]
}

func gcmOf(t *testing.T, encryptionKey []byte) (cipher.Block, cipher.AEAD) {
	block, err := aes.NewCipher(encryptionKey)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return block, gcm
}

// A blob with the commitment of another blob, or sealed under one material with the commitment of another, does
// not open.
func TestCommitment(t *testing.T) {
	materialA, materialB := countingBytes(32), bytes.Repeat([]byte{0xb0}, 32)
	blob := mustEncrypt(t, []byte("attack at dawn"), nil)

	replaced := bytes.Clone(blob)
	copy(replaced[113:145], mustEncrypt(t, []byte("attack at dawn"), nil)[113:145])
	wantRefused(t, "the commitment of another blob", materialA, replaced, nil)

	// The same header, salt and nonce, sealed under B with B's associated data, but with the commitment of A.
	keyB, commitmentB := expandTwice(t, materialB, blob)
	_, gcm := gcmOf(t, keyB)
	ofB := func(commitment []byte) []byte {
		forged := append(bytes.Clone(blob[:113]), commitment...)
		ad := append(bytes.Clone(forged), 0, 0, 0, 0)
		forged = append(forged, blob[145:157]...)
		return gcm.Seal(forged, blob[145:157], []byte("attack at dusk"), ad)
	}
	wantRefused(t, "sealed under B, committed to A, opened with B", materialB, ofB(blob[113:145]), nil)
	wantRefused(t, "sealed under B, committed to A, opened with A", materialA, ofB(blob[113:145]), nil)
	wantRefused(t, "sealed under B, committed to B, opened with A", materialA, ofB(commitmentB), nil)
	if got, err := decrypt(materialB, ofB(commitmentB), nil); string(got) != "attack at dusk" || err != nil {
		t.Errorf("sealed under B, committed to B, opened with B: %q, %v", got, err)
	}
}

// A ciphertext and tag that AES-GCM accepts under two keys. Knowing both keys is enough to construct one
// (Dodis et al., "Fast Message Franking", 2018). Only the commitment prevents such a blob from opening under
// the second material.
func TestBlobForTwoMaterials(t *testing.T) {
	materialA, materialB := countingBytes(32), bytes.Repeat([]byte{0xb0}, 32)
	for _, committed := range [][]byte{materialA, materialB} {
		blob := mustEncrypt(t, bytes.Repeat([]byte{0}, 32), nil)
		keyA, _ := expandTwice(t, materialA, blob)
		keyB, _ := expandTwice(t, materialB, blob)
		_, commitment := expandTwice(t, committed, blob)
		copy(blob[113:145], commitment)
		ad := append(bytes.Clone(blob[:145]), 0, 0, 0, 0)
		blob = append(blob[:157], collide(t, keyA, keyB, blob[145:157], ad, blob[157:173])...)

		for name, k := range map[string][]byte{"A": keyA, "B": keyB} {
			_, gcm := gcmOf(t, k)
			if _, err := gcm.Open(nil, blob[145:157], blob[157:], ad); err != nil {
				t.Fatalf("the construction does not open under key %s: %v", name, err)
			}
		}
		for _, material := range [][]byte{materialA, materialB} {
			if bytes.Equal(material, committed) {
				if _, err := decrypt(material, blob, nil); err != nil {
					t.Errorf("with the material that it commits to: %v", err)
				}
			} else {
				wantRefused(t, "with the other material", material, blob, nil)
			}
		}
	}
}

// collide returns first, another block, and the tag that both keys give for these two blocks (NIST SP 800-38D,
// section 7.1).
func collide(t *testing.T, keyA, keyB, nonce, ad, first []byte) []byte {
	a, b := newHasher(t, keyA, nonce), newHasher(t, keyB, nonce)
	zero := make([]byte, 16)
	// With a zero second block, the tags differ by D. The block X adds X·(Ha² + Hb²), so X = D / (Ha² + Hb²)
	// makes the tags equal.
	difference := a.tag(ad, first, zero).plus(b.tag(ad, first, zero))
	x := difference.times(a.h.times(a.h).plus(b.h.times(b.h)).inverse()).bytes()
	return append(append(bytes.Clone(first), x...), a.tag(ad, first, x).bytes()...)
}

// A hasher computes the tags for one key and nonce.
type hasher struct{ h, mask element }

func newHasher(t *testing.T, k, nonce []byte) hasher {
	block, _ := gcmOf(t, k)
	h, mask := make([]byte, 16), make([]byte, 16)
	block.Encrypt(h, make([]byte, 16))
	block.Encrypt(mask, append(bytes.Clone(nonce), 0, 0, 0, 1))
	return hasher{toElement(h), toElement(mask)}
}

// tag returns the tag of a ciphertext of two blocks.
func (g hasher) tag(ad, first, second []byte) element {
	padded := append(bytes.Clone(ad), make([]byte, -len(ad)&15)...)
	lengths := binary.BigEndian.AppendUint64(nil, uint64(8*len(ad)))
	lengths = binary.BigEndian.AppendUint64(lengths, 8*32)
	var y element
	for _, part := range [][]byte{padded, first, second, lengths} {
		for ; len(part) > 0; part = part[16:] {
			y = y.plus(toElement(part[:16])).times(g.h)
		}
	}
	return y.plus(g.mask)
}

// An element of GF(2^128) in the bit order of GCM (SP 800-38D, section 6.3).
type element struct{ hi, lo uint64 }

func toElement(b []byte) element {
	return element{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (x element) bytes() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, x.hi), x.lo)
}

func (x element) plus(y element) element { return element{x.hi ^ y.hi, x.lo ^ y.lo} }

func (x element) times(y element) (z element) {
	for range 128 {
		if x.hi>>63 == 1 {
			z = z.plus(y)
		}
		x = element{x.hi<<1 | x.lo>>63, x.lo << 1}
		odd := y.lo & 1
		y = element{y.hi >> 1, y.hi<<63 | y.lo>>1}
		y.hi ^= odd * 0xe1 << 56
	}
	return z
}

// inverse returns x to the power of 2^128 - 2.
func (x element) inverse() element {
	z := element{hi: 1 << 63} // one
	for range 127 {
		x = x.times(x)
		z = z.times(x)
	}
	return z
}
