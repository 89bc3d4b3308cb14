package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// The parts of the cost of an event, apart from the system calls (docs/performance.md).

func BenchmarkEncode(b *testing.B) {
	e := benchEvent()
	room := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.appendLine(room); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChain(b *testing.B) {
	line := benchLine(b)
	c := newChain(make([]byte, 32), 0, [chainSize]byte{})
	b.ReportAllocs()
	for b.Loop() {
		c.fill(line, func(tlog.Hash) {})
	}
}

func BenchmarkTree(b *testing.B) {
	l := &ledger{}
	b.ReportAllocs()
	for b.Loop() {
		l.tiles = l.tiles[:0]
		l.addLeaf(tlog.Hash{})
	}
}

// BenchmarkCompression measures a segment of 10,000 lines that differ in their IDs and chains.
func BenchmarkCompression(b *testing.B) {
	const lines = 10_000
	var text []byte
	e := benchEvent()
	c := newChain(make([]byte, 32), 0, [chainSize]byte{})
	for i := range lines {
		e.RequestID, e.EventID = tlog.RecordHash([]byte{byte(i), byte(i >> 8)}).String(), tlog.RecordHash([]byte{byte(i), byte(i >> 8), 1}).String()
		line, err := e.Line()
		if err != nil {
			b.Fatal(err)
		}
		text = append(append(text, line[:len(line)-2]...), emptyChain...)
	}
	c.fill(text, func(tlog.Hash) {})
	plain := filepath.Join(b.TempDir(), "plain")
	if err := os.WriteFile(plain, text, 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := writeCompressed(b.Context(), plain, plain+".zst"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
}

func benchLine(b *testing.B) []byte {
	line, err := benchEvent().Line()
	if err != nil {
		b.Fatal(err)
	}
	return append(bytes.TrimSuffix(line, []byte("}\n")), emptyChain...)
}

// benchEvent returns the event of a Decrypt of make bench.
func benchEvent() Event {
	e := sample()
	e.RequestParameters = []byte(`{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::` + strings.Repeat("o", 208) +
		`","tenant":"t-0001"},"keyId":"372e76da-b11e-4e4f-9772-6305a575d73d"}`)
	return e
}
