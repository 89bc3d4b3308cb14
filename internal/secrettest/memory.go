// Package secrettest looks for secrets in the memory of a test. It finds what a function forgot to clear.
package secrettest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"unsafe"
)

// A Pattern finds a secret without a copy of it.
type Pattern struct{ masked, mask []byte }

// Of returns the pattern of a secret. The secret should have at least 16 bytes that occur nowhere by chance.
func Of(secret []byte) Pattern {
	p := Pattern{bytes.Clone(secret), make([]byte, len(secret))}
	rand.Read(p.mask)
	for i, m := range p.mask {
		p.masked[i] ^= m
	}
	return p
}

// Take returns the pattern of a secret, and clears the secret.
func Take(secret []byte) Pattern {
	defer clear(secret)
	return Of(secret)
}

// Alone runs f in a goroutine of its own, so that no later call overwrites what f leaves on its stack.
func Alone(f func()) { hold(f, true)() }

// hold runs f in a goroutine of its own, and clears its stack unless withStack is true. The goroutine keeps the
// stack until release is called.
func hold(f func(), withStack bool) (release func()) {
	done, end := make(chan byte), make(chan struct{})
	go func() {
		result := grow(0) + deep(f, 0)
		if !withStack {
			result += grow(0)
		}
		done <- result
		<-end
	}()
	<-done
	return func() { close(end) }
}

// grow makes the stack large, because the runtime copies a stack that grows. It also overwrites the stack.
//
//go:noinline
func grow(n byte) byte {
	var large [100 << 10]byte // a larger variable would be on the heap
	for i := range large {
		large[i] = n
	}
	return large[len(large)-1]
}

// deep runs f at a distance from the top of the stack, which the calls after f overwrite.
//
//go:noinline
func deep(f func(), n byte) byte {
	var distance [16 << 10]byte
	distance[n] = n
	f()
	return distance[len(distance)-1]
}

// Left runs f several times, each time with another secret, and returns the lowest number of copies that f left
// outside its stack. f runs in a goroutine of its own, and secret returns the secret of this run afterwards. Chance
// can add copies, such as registers that the runtime saved, but f itself leaves them every time.
func Left(t testing.TB, f func(run int), secret func(run int) []byte) int {
	t.Helper()
	return left(t, f, secret, false)
}

// LeftWithStack is like [Left], and also counts the copies that f left on its stack. Two functions that call the
// same functions can leave different numbers of copies there, so the secret should be in few variables.
func LeftWithStack(t testing.TB, f func(run int), secret func(run int) []byte) int {
	t.Helper()
	return left(t, f, secret, true)
}

func left(t testing.TB, f func(int), secret func(int) []byte, withStack bool) (copies int) {
	t.Helper()
	for run := range 4 {
		var p Pattern
		release := hold(func() { f(run) }, withStack)
		Alone(func() { p = Take(secret(run)) })
		if n := Copies(t, p); run == 0 || n < copies {
			copies = n
		}
		release()
	}
	return copies
}

// KeepGarbage turns off the garbage collection until the end of the test, so that forgotten copies stay.
func KeepGarbage(t testing.TB) {
	percent := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
}

// Copies counts the copies of a secret in the writable memory of this process. It skips the test on systems
// other than Linux.
func Copies(t testing.TB, p Pattern) (copies int) {
	t.Helper()
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Skip(err)
	}
	defer memory.Close()
	buffer := make([]byte, 1<<20)
	own := uint64(uintptr(unsafe.Pointer(&buffer[0])))
	for _, r := range ranges(t) {
		if r[0] <= own && own < r[1] { // the buffer is not searched: it shows what was read before
			copies += p.count(memory, buffer, r[0], own)
			copies += p.count(memory, buffer, own+uint64(len(buffer)), r[1])
			continue
		}
		copies += p.count(memory, buffer, r[0], r[1])
	}
	clear(buffer)
	return copies
}

// ranges returns the writable memory without files.
func ranges(t testing.TB) (all [][2]uint64) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var r [2]uint64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &r[0], &r[1], &mode); err != nil {
			t.Fatal(err)
		}
		if mode == "rw-p" {
			all = append(all, r)
		}
	}
	return all
}

// count counts the copies in a range of the memory.
func (p Pattern) count(memory *os.File, buffer []byte, from, to uint64) (copies int) {
	size := uint64(len(p.mask))
	for from+size <= to {
		n, _ := memory.ReadAt(buffer[:min(uint64(len(buffer)), to-from)], int64(from))
		if uint64(n) < size {
			return copies
		}
		copies += p.countIn(buffer[:n])
		from += uint64(n) - size + 1
	}
	return copies
}

func (p Pattern) countIn(b []byte) (copies int) {
	first := []byte{p.masked[0] ^ p.mask[0]}
	for {
		at := bytes.IndexByte(b, first[0])
		if at < 0 || at+len(p.mask) > len(b) {
			return copies
		}
		b = b[at:]
		if p.matches(b) {
			copies++
		}
		b = b[1:]
	}
}

func (p Pattern) matches(b []byte) bool {
	for i, m := range p.mask {
		if b[i]^m != p.masked[i] {
			return false
		}
	}
	return true
}
