package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"
)

const (
	// answerTime is the maximum time of a useful answer. After that, a client has given up.
	answerTime = time.Second
	// overload is how many times more connections send requests than the server needs to reach its peak.
	overload = 10
	// leastGoodput is the bar, in percent of the peak.
	leastGoodput = 80
	// rounds is the number of repetitions, needed because other work on the machine affects the server.
	rounds = 6
)

// overloaded sends requests on ten times the connections at which the server reaches its peak. Server and load
// have one processor each, and the load signs nothing while it runs. Rates are per second of processor time of
// the server. On an idle machine this is the same as elapsed time, and on a busy machine it stays comparable.
func overloaded(ctx context.Context, l *lab) (string, error) {
	s, err := l.serveOn("0")
	if err != nil {
		return "", err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	request, err := s.wire(o)
	if err != nil {
		return "", err
	}
	conns, err := s.saturation(ctx, request)
	if err != nil {
		return "", err
	}
	var peak, goodput rate
	for range rounds {
		if err := s.load(ctx, request, conns, 2*time.Second, &peak); err != nil {
			return "", err
		}
		if err := s.load(ctx, request, overload*conns, 2*time.Second, &goodput); err != nil {
			return "", err
		}
	}
	resident, err := s.checkRSS()
	if err != nil {
		return resident, err
	}
	share := 100 * goodput.perSecond() / peak.perSecond()
	figure := fmt.Sprintf("goodput %.0f/s from %d connections, p99 %.0f ms; peak %.0f/s from %d: %.0f %%; %s",
		goodput.perSecond(), overload*conns, ms(goodput.p99()), peak.perSecond(), conns, share, resident)
	if err := checkBar(share >= leastGoodput, "%.0f %% of the peak, at least %d", share, leastGoodput); err != nil {
		return figure, err
	}
	after, err := o.compareWithQuiet(ctx, 2*time.Second)
	return figure + "; afterwards " + after, err
}

// A rate counts the requests that were answered successfully and in time.
type rate struct {
	took      []time.Duration
	processor time.Duration // processor time of the server
}

func (r rate) perSecond() float64 { return float64(len(r.took)) / r.processor.Seconds() }

func (r rate) p99() time.Duration { return percentile(slices.Sorted(slices.Values(r.took)), 99) }

// saturation returns the number of connections at which the server almost reaches its peak.
func (s *server) saturation(ctx context.Context, request []byte) (int, error) {
	counts := []int{4, 8, 16, 32, 64}
	answered := make([]int, len(counts))
	for range rounds {
		for i, n := range counts {
			var r rate
			if err := s.load(ctx, request, n, time.Second, &r); err != nil {
				return 0, err
			}
			answered[i] += len(r.took)
		}
	}
	most := slices.Max(answered)
	return counts[slices.IndexFunc(answered, func(n int) bool { return 10*n >= 9*most })], nil
}

// wire returns an Encrypt request of the root in its wire format.
func (s *server) wire(o *others) ([]byte, error) {
	in, err := json.Marshal(map[string]any{"KeyId": *o.key, "Plaintext": []byte("overload")})
	if err != nil {
		return nil, err
	}
	r, err := s.sign(s.root, "TrentService.Encrypt", string(in))
	if err != nil {
		return nil, err
	}
	var wire bytes.Buffer
	err = r.Write(&wire)
	return wire.Bytes(), err
}

// load repeats a request on n connections, without a pause after each answer, and adds the results to r.
func (s *server) load(ctx context.Context, request []byte, n int, length time.Duration, r *rate) (err error) {
	conns := make([]*tls.Conn, n)
	for i := range conns {
		if conns[i], err = s.l.dial(s); err != nil {
			return err
		}
		defer conns[i].Close()
	}
	before, err := s.processorTime()
	if err != nil {
		return err
	}
	took := make([][]time.Duration, n)
	end := time.Now().Add(length)
	stop := inParallel(ctx, n, func(ctx context.Context, i int) {
		c, in := conns[i], bufio.NewReader(conns[i])
		for time.Now().Before(end) && ctx.Err() == nil {
			c.SetDeadline(time.Now().Add(30 * time.Second))
			at := time.Now()
			ok, err := exchange(c, in, request)
			if err != nil {
				return
			}
			if d := time.Since(at); ok && d <= answerTime {
				took[i] = append(took[i], d)
			}
		}
	})
	time.Sleep(time.Until(end))
	stop()
	after, err := s.processorTime()
	all := slices.Concat(took...)
	if err == nil && len(all) == 0 {
		err = errors.New("no request was answered")
	}
	r.took = append(r.took, all...)
	r.processor += after - before
	return err
}

// processorTime returns the processor time of the process (proc_pid_stat(5), utime and stime).
func (s *server) processorTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	f := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	user, err := strconv.ParseInt(string(f[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(f[12]), 10, 64)
	return time.Duration(user+system) * time.Second / 100, errors.Join(err, err2)
}

// exchange sends a request and reports whether it succeeded.
func exchange(c io.Writer, in *bufio.Reader, request []byte) (bool, error) {
	if _, err := c.Write(request); err != nil {
		return false, err
	}
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK, err
}
