package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestFsyncFaults makes one fsync or fdatasync of keyhold serve fail with EIO under load: the first,
// the second, and so on. The program must stop by itself and say why. All changes that it
// acknowledged must be there after the next start. They must also be there if the power fails at
// that moment and all changes of the failed sync are lost. KEYHOLD_FSYNCS is the number of syncs
// that are tried, out of the first 100.
func TestFsyncFaults(t *testing.T) {
	needsStrace(t)
	needsSeccomp(t)
	positions, begun := fromEnv("KEYHOLD_FSYNCS", 10), time.Now()
	program, template := buildProgram(t), filepath.Join(t.TempDir(), "template")
	if err := os.Mkdir(template, 0o700); err != nil {
		t.Fatal(err)
	}
	from := newFaultLoad(initFolder(t, program, filepath.Join(template, "data")), 4)
	from.prepare(t)
	var sum fsyncSum
	work := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for position := range work {
				from.failSync(t, position, &sum)
			}
		})
	}
	for i := range positions {
		work <- 1 + i*100/positions
	}
	close(work)
	workers.Wait()
	if t.Failed() {
		return
	}
	t.Logf("%d positions among the first 100 syncs in %.0f s: %d kept the server from starting, %d ended it under load, the slowest %v after the fault, %d were not reached; %d acknowledged changes, %d requests open at the end; 0 lost after a restart, 0 lost after a power failure",
		positions, time.Since(begun).Seconds(), sum.unstarted, sum.stopped, sum.slowest.Round(time.Millisecond), sum.missed, sum.acknowledged, sum.open)
	if sum.stopped < positions/2 || sum.acknowledged < positions {
		t.Error("hardly any change was acknowledged: the test tested nothing")
	}
}

type fsyncSum struct {
	mu                         sync.Mutex
	unstarted, stopped, missed int
	acknowledged, open         int
	slowest                    time.Duration
}

// prepare gives every key material and a ciphertext.
func (l *faultLoad) prepare(t *testing.T) {
	t.Helper()
	s := l.start(t)
	each(t, l.keys, func(k *faultKey) error {
		err := k.prepare(t.Context(), s)
		for _, name := range []string{"ImportKeyMaterial", "Encrypt"} {
			answer, _ := k.do(t.Context(), s, faultOp{name: name})
			if answer != answerOK {
				err = errors.Join(err, fmt.Errorf("%s: %s", name, answer))
			}
		}
		k.initial, k.history, k.changes = k.currentState(t.Context(), s), nil, nil
		return err
	})
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// failSync makes the sync of this number fail, in a copy of the folder.
func (l *faultLoad) failSync(t *testing.T, number int, sum *fsyncSum) {
	base, trace := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	if out, err := exec.Command("cp", "-a", "--sparse=always", filepath.Dir(l.folder.data)+"/.", base).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
		return
	}
	defer os.RemoveAll(base)
	copied := newFaultLoad(l.folder, 0)
	copied.folder.data = filepath.Join(base, "data")
	copied.audit = newFaultAudit(copied.folder.data)
	copied.mayFail, copied.create, copied.workers = true, 20, 2
	for _, k := range l.keys {
		copied.keys = append(copied.keys, k.copy())
	}
	d := newDisk(base)
	if err := d.load(); err != nil {
		t.Error(err)
		return
	}

	var s *faultServer
	var unstarted error
	w, err := watchSyncs(number, func() error {
		s, unstarted = copied.folder.serve(t, straceWords(trace)...)
		return nil
	})
	if err != nil {
		t.Error(err)
		return
	}
	if unstarted == nil {
		copied.run(t, s, s.wait)
	}
	w.stop()
	if err := copied.checkFault(s, w, sum, unstarted != nil); err != nil {
		t.Errorf("sync %d: %v", number, err)
	}
	calls, _, err := readTrace(trace, s.Pid(), 0)
	if err == nil {
		err = d.add(calls)
	}
	if err == nil {
		err = copied.afterPowerFailure(t, d)
	}
	if err != nil {
		t.Errorf("sync %d, and a power failure: %v", number, err)
	}
	again := copied.start(t)
	copied.inspect(t, again)
	copied.finish(t, again)
	sum.mu.Lock()
	defer sum.mu.Unlock()
	sum.acknowledged += len(copied.acknowledged)
	sum.open += copied.open
}

// wait waits until the server has ended, and ends a server that does not.
func (s *faultServer) wait() {
	select {
	case <-s.Ended():
	case <-time.After(faultPatience):
		s.end(syscall.SIGTERM)
	}
}

// checkFault checks that the program ended by itself and said why.
func (l *faultLoad) checkFault(s *faultServer, w *syncWatch, sum *fsyncSum, unstarted bool) error {
	calls, failed := w.state()
	sum.mu.Lock()
	defer sum.mu.Unlock()
	if failed.IsZero() {
		sum.missed++
		return fmt.Errorf("there were only %d syncs", calls)
	}
	took := s.EndedAt().Sub(failed)
	sum.slowest = max(sum.slowest, took)
	if sum.stopped++; unstarted {
		sum.stopped--
		sum.unstarted++
	}
	var exit *exec.ExitError
	switch {
	case !errors.As(s.Wait(), &exit) || exit.ExitCode() != exitFailed || crashed(s.stderr.String()):
		return fmt.Errorf("the server ended, %v:\n%s", s.Wait(), s.stderr)
	case !strings.Contains(s.stderr.String(), "input/output error"):
		return fmt.Errorf("the server does not say why it ended:\n%s", s.stderr)
	}
	return nil
}

// afterPowerFailure returns an error if a folder, without all changes that were not synced, lacks an
// acknowledged change.
func (l *faultLoad) afterPowerFailure(t *testing.T, d *disk) error {
	base := t.TempDir()
	defer os.RemoveAll(base)
	if err := d.imageAt(d.end(), rand.New(rand.NewPCG(0, 0)), tear{keep: 0}).write(d.under, base); err != nil {
		return err
	}
	f := l.folder
	f.data = filepath.Join(base, "data")
	_, unsound := f.verify(t.Context())
	s, err := f.serve(t)
	if err != nil {
		return errors.Join(unsound, err)
	}
	audit, problems := newFaultAudit(f.data), []error{unsound}
	for _, k := range l.keys {
		k := k.copy()
		problems = append(problems, k.finish(t.Context(), s), audit.readNew(), audit.checkOnce(k.changes))
	}
	for _, k := range l.made {
		problems = append(problems, k.copy().finish(t.Context(), s))
	}
	problems = append(problems, s.end(syscall.SIGTERM))
	_, unsound = f.verify(t.Context())
	return errors.Join(append(problems, unsound)...)
}
