package forward

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/transparency"
)

// A growing log can grow, and lose its oldest lines, while it is read.
type growing struct {
	mu sync.Mutex
	transparency.Memory
	first int64
	fault error
}

func (g *growing) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for range n {
		i := g.Memory.Size()
		g.Append(fmt.Appendf(nil, `{"eventTime":"2026-11-30T12:00:00.%03dZ","eventID":"%d"}`, i%1000, i))
	}
}

func (g *growing) Size() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Memory.Size()
}

func (g *growing) First() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.first
}

func (g *growing) Lines(ctx context.Context, from int64) iter.Seq2[[]byte, error] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if from < g.first {
		return func(yield func([]byte, error) bool) { yield(nil, transparency.ErrDeleted) }
	}
	if g.fault != nil {
		return func(yield func([]byte, error) bool) { yield(nil, g.fault) }
	}
	return g.Memory.Lines(ctx, from)
}

// A memoryTarget is a receiver in memory. A failure of a receiver that does not acknowledge loses the lines of the time
// lose before it.
type memoryTarget struct {
	mu    sync.Mutex
	ack   bool
	lose  time.Duration
	fail  func() error // may be nil
	got   []Line
	at    []time.Time
	sends int
	most  int
}

func (m *memoryTarget) Send(_ context.Context, lines []Line) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sends++
	m.most = max(m.most, len(lines))
	if m.fail != nil {
		if err := m.fail(); err != nil {
			for n := len(m.at); n > 0 && !m.ack && time.Since(m.at[n-1]) < m.lose; n-- {
				m.got, m.at = m.got[:n-1], m.at[:n-1]
			}
			return err
		}
	}
	for _, line := range lines {
		m.got, m.at = append(m.got, line), append(m.at, time.Now())
	}
	return nil
}

func (m *memoryTarget) Acknowledges() bool { return m.ack }
func (m *memoryTarget) String() string     { return "memory" }
func (m *memoryTarget) Close() error       { return nil }

// check verifies that the receiver has all lines from an index on, each first in order.
func (m *memoryTarget) check(t *testing.T, from, size int64) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	next := from
	for _, line := range m.got {
		if line.Index > next {
			t.Fatalf("line %d came before line %d", line.Index, next)
		}
		if line.Index == next {
			next++
		}
		if want := fmt.Sprintf(`"eventID":"%d"`, line.Index); !bytes.Contains(line.Text, []byte(want)) {
			t.Fatalf("line %d is %s", line.Index, line.Text)
		}
	}
	if next != size {
		t.Fatalf("the receiver has %d of %d lines", next, size)
	}
}

func config(t *testing.T, g *growing, target Target, log io.Writer) Config {
	return Config{Log: g, Origin: "keyhold/deployment/node", Target: target,
		Position: filepath.Join(t.TempDir(), "audit.forward"), Logger: slog.New(slog.NewTextHandler(log, nil))}
}

// run runs a Forwarder in a bubble of synctest until the function returns.
func run(t *testing.T, c Config, during func(f *Forwarder)) {
	t.Helper()
	f, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { f.Run(ctx) })
	during(f)
	cancel()
	all.Wait()
}

// Lines are forwarded within a second, in batches of a bounded size, and a start continues where the end was.
func TestForward(t *testing.T) {
	for _, ack := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g, target := &growing{}, &memoryTarget{ack: ack}
			c := config(t, g, target, io.Discard)
			g.add(2500)
			run(t, c, func(f *Forwarder) {
				time.Sleep(time.Second)
				target.check(t, 0, 2500)
				if target.most != maxLines {
					t.Errorf("batches of %d lines", target.most)
				}
				if lag := f.Lag(); (lag == 0) != ack {
					t.Errorf("acknowledges %v: lag %d", ack, lag)
				}
				g.add(1)
				time.Sleep(time.Minute)
				target.check(t, 0, 2501)
				if f.Lag() != 0 || f.Confirmed() != 2501 {
					t.Errorf("lag %d, confirmed %d", f.Lag(), f.Confirmed())
				}
			})
			sends := target.sends
			if sends > 200 {
				t.Errorf("%d sends in a minute", sends)
			}
			g.add(3)
			run(t, c, func(f *Forwarder) {
				time.Sleep(10 * time.Second)
				if len(target.got) != 2504 {
					t.Errorf("after a restart the receiver got %d lines", len(target.got))
				}
				target.check(t, 0, 2504)
			})
		})
	}
}

// Whatever fails and whenever a forwarder is killed, the receiver gets all lines, as long as it loses no more than the
// last seconds when it dies.
func TestFailures(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			g, target := &growing{}, &memoryTarget{ack: seed%2 == 0, lose: standardPace().settle}
			bad := true
			target.fail = func() error {
				if bad && random.IntN(4) == 0 {
					return errors.New("cut")
				}
				return nil
			}
			var log bytes.Buffer
			c := config(t, g, target, &log)
			for range 6 {
				run(t, c, func(f *Forwarder) {
					for range random.IntN(10) {
						g.add(random.IntN(700))
						time.Sleep(time.Duration(random.IntN(9000)) * time.Millisecond)
						if len(f.sent) > 8 {
							t.Errorf("%d marks", len(f.sent))
						}
					}
				})
			}
			bad = false
			run(t, c, func(f *Forwarder) {
				time.Sleep(3 * longestWait)
				target.check(t, 0, g.Size())
				if f.Lag() != 0 {
					t.Errorf("seed %d: lag %d", seed, f.Lag())
				}
			})
		})
	}
}

// A receiver that fails for an hour costs few attempts and a line in the log every ten minutes, and nothing in memory.
func TestLongFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, target := &growing{}, &memoryTarget{ack: true, fail: func() error { return errors.New("cut") }}
		var log bytes.Buffer
		c := config(t, g, target, &log)
		g.add(10)
		run(t, c, func(f *Forwarder) {
			time.Sleep(time.Hour)
			if target.sends > 150 || target.sends < 55 {
				t.Errorf("%d attempts in an hour", target.sends)
			}
			if n := strings.Count(log.String(), "\n"); n < 5 || n > 7 || !strings.Contains(log.String(), "lag=10 cause=cut") {
				t.Errorf("%d lines: %s", n, &log)
			}
			if f.Lag() != 10 || f.read != nil && len(f.sent) > 0 {
				t.Errorf("lag %d", f.Lag())
			}
			log.Reset()
			target.mu.Lock()
			target.fail = nil
			target.mu.Unlock()
			time.Sleep(longestWait)
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "forwarded again") {
				t.Errorf("%d lines: %s", n, &log)
			}
		})
	})
}

// Lines that retention deleted are reported, and the rest is forwarded.
func TestDeletedLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, target := &growing{}, &memoryTarget{ack: true}
		var log bytes.Buffer
		c := config(t, g, target, &log)
		g.add(10)
		run(t, c, func(*Forwarder) { time.Sleep(time.Second) })
		g.add(50)
		f, err := New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		g.first = 30 // after the position was read
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { f.Run(ctx) })
		time.Sleep(time.Minute)
		cancel()
		all.Wait()
		if !strings.Contains(log.String(), "first=10 lines=20") {
			t.Error(log.String())
		}
		if n := len(target.got); n != 10+30 || target.got[10].Index != 30 {
			t.Errorf("%d lines", n)
		}
		g.first = 60
		run(t, c, func(f *Forwarder) { time.Sleep(time.Second) })
		if len(target.got) != 40 {
			t.Errorf("%d lines after everything was deleted", len(target.got))
		}
	})
}

// The position belongs to a log and to a target. A position that the log does not have, after a loss of power, is not
// used.
func TestPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, target := &growing{}, &memoryTarget{ack: true}
		c := config(t, g, target, io.Discard)
		g.add(10)
		run(t, c, func(*Forwarder) { time.Sleep(time.Second) })
		begin := func(c Config) int64 {
			f, err := New(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			return f.Confirmed()
		}
		if n := begin(c); n != 10 {
			t.Errorf("the same log and target: %d", n)
		}
		other := c
		other.Origin += "-2"
		if n := begin(other); n != 0 {
			t.Errorf("another log: %d", n)
		}
		other = c
		other.Target = newHTTP("https://example.com/?token=hunter2", Options{})
		if n := begin(other); n != 0 {
			t.Errorf("another target: %d", n)
		}
		shorter, changed := &growing{}, &growing{}
		shorter.add(8)
		changed.add(9)
		changed.Append([]byte(`{"eventID":"another line 9"}`))
		changed.add(5)
		for _, g := range []*growing{shorter, changed} {
			other = c
			other.Log = g
			if n := begin(other); n != 0 {
				t.Errorf("a log that lost its last lines: %d", n)
			}
		}
		g.fault = errors.New("input/output error")
		if _, err := New(t.Context(), c); err == nil {
			t.Error("an unreadable log")
		}
		g.fault = nil
		for _, text := range []string{"", "x", "memory\nx\n-1\nx\n", strings.Repeat("\n", 4), strings.Repeat("x", maxPosition)} {
			if err := os.WriteFile(c.Position, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := New(t.Context(), c); err == nil || !strings.Contains(err.Error(), c.Position) {
				t.Errorf("%.20q: %v", text, err)
			}
		}
	})
}

// A position that cannot be written and a log that cannot be read are failures, and nothing is lost.
func TestFaultsOfTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, target := &growing{}, &memoryTarget{ack: true}
		var log bytes.Buffer
		c := config(t, g, target, &log)
		block := filepath.Join(c.Position+".new", "x") // stops even root
		if err := os.MkdirAll(block, 0o700); err != nil {
			t.Fatal(err)
		}
		g.add(10)
		run(t, c, func(*Forwarder) {
			time.Sleep(time.Minute)
			if !strings.Contains(log.String(), "keep the position of forwarding") {
				t.Error(log.String())
			}
			if err := os.RemoveAll(c.Position + ".new"); err != nil {
				t.Fatal(err)
			}
			g.mu.Lock()
			g.fault = errors.New("input/output error")
			g.mu.Unlock()
			g.add(10)
			time.Sleep(5 * time.Minute)
			g.mu.Lock()
			g.fault = nil
			g.mu.Unlock()
			time.Sleep(longestWait)
			target.check(t, 0, 20)
		})
	})
}

// readSyslog reads messages with octet counting.
func readSyslog(r *bufio.Reader) (string, error) {
	length, err := r.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
	if err != nil {
		return "", err
	}
	message := make([]byte, n)
	_, err = io.ReadFull(r, message)
	return string(message), err
}
