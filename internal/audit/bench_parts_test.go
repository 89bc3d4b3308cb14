//go:build unix

package audit

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// BenchmarkEvent measures the processor time of an event in a protected log: all that a request of make bench adds to
// its event, the closing and compression of segments, and the checkpoints. Run it with a fixed number of events, of
// which a segment has 58,500: -bench Event -benchtime 240000x -cpu 1. The time of the process counts, so the figure
// holds on a machine that other programs use too.
func BenchmarkEvent(b *testing.B) {
	l, err := Open(filepath.Join(b.TempDir(), "audit.log"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Protect(b.Context(), protection()); err != nil {
		b.Fatal(err)
	}
	events := differentEvents(4096)
	begun := processorTime(b)
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := l.Write(context.Background(), events[i%int64(len(events))]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	awaitCompression(b, l)
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	reportProcessorTime(b, begun, b.N)
}

// awaitCompression waits until all closed segments are compressed.
func awaitCompression(b *testing.B, l *Log) {
	for range 6000 {
		all, err := readLayout(l.past.layout.folder)
		if err != nil {
			b.Fatal(err)
		}
		plain := func(s Segment) bool { return !s.Compressed }
		if !slices.ContainsFunc(all.closed, plain) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("the segments were not compressed within a minute")
}

// differentEvents returns events that differ in their IDs and concern 1,000 keys.
func differentEvents(n int) []Event {
	events, random := make([]Event, n), rand.New(rand.NewPCG(1, 2))
	var keys []string
	for range 1000 {
		keys = append(keys, randomID(random))
	}
	for i := range events {
		e, key := benchEvent(), keys[random.IntN(len(keys))]
		e.RequestID, e.EventID = randomID(random), randomID(random)
		e.RequestParameters = bytes.Replace(e.RequestParameters, []byte(benchKey), []byte(key), 1)
		e.Resources[0].ARN = "arn:aws:kms:eu-west-1:111122223333:key/" + key
		events[i] = e
	}
	return events
}

func randomID(random *rand.Rand) string {
	a, b := random.Uint64(), random.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
}

// processorTime returns the time that this process has taken from the processors.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func reportProcessorTime(b *testing.B, begun time.Duration, events int) {
	b.ReportMetric(float64(processorTime(b)-begun)/float64(events), "cpu-ns/event")
}

// The parts of the cost of an event, apart from the system calls (docs/performance.md).

func BenchmarkEncode(b *testing.B) {
	e := benchEvent()
	room := make([]byte, 0, 4096)
	b.ReportAllocs()
	begun := processorTime(b)
	for b.Loop() {
		if _, err := e.appendLine(room); err != nil {
			b.Fatal(err)
		}
	}
	reportProcessorTime(b, begun, b.N)
}

func BenchmarkChain(b *testing.B) {
	line := benchLine(b)
	c := newChain(make([]byte, 32), 0, [chainSize]byte{})
	b.ReportAllocs()
	begun := processorTime(b)
	for b.Loop() {
		c.fill(line, func(tlog.Hash) {})
	}
	reportProcessorTime(b, begun, b.N)
}

func BenchmarkTree(b *testing.B) {
	l := &ledger{}
	b.ReportAllocs()
	begun := processorTime(b)
	for b.Loop() {
		l.tiles = l.tiles[:0]
		l.addLeaf(tlog.Hash{})
	}
	reportProcessorTime(b, begun, b.N)
}

// BenchmarkCompression measures a segment of 10,000 lines that differ in their IDs and chains.
func BenchmarkCompression(b *testing.B) {
	const lines = 10_000
	var text []byte
	c := newChain(make([]byte, 32), 0, [chainSize]byte{})
	for _, e := range differentEvents(lines) {
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
	begun := processorTime(b)
	for b.Loop() {
		if err := writeCompressed(b.Context(), plain, plain+".zst"); err != nil {
			b.Fatal(err)
		}
	}
	reportProcessorTime(b, begun, b.N*lines)
	info, err := os.Stat(plain + ".zst")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/lines, "compressed-B/event")
}

func benchLine(b *testing.B) []byte {
	line, err := benchEvent().Line()
	if err != nil {
		b.Fatal(err)
	}
	return append(bytes.TrimSuffix(line, []byte("}\n")), emptyChain...)
}

const benchKey = "372e76da-b11e-4e4f-9772-6305a575d73d"

// benchEvent returns the event of a Decrypt of make bench.
func benchEvent() Event {
	e := sample()
	e.RequestParameters = []byte(`{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::` + strings.Repeat("o", 208) +
		`","tenant":"t-0001"},"keyId":"` + benchKey + `"}`)
	return e
}
