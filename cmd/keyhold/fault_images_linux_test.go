package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestCrashImages records with strace what the program does to its files, from keyhold init on and
// over a kill. It rebuilds the files as a power failure at any place could leave them: with all
// synced changes, and with some of the others, whole or torn. The program must find each of these
// folders sound, open it, and have all changes that it had acknowledged by then. KEYHOLD_IMAGES is
// the number of folders. KEYHOLD_SEED repeats the choice of places, in another trace.
func TestCrashImages(t *testing.T) {
	needsStrace(t)
	images, seed := fromEnv("KEYHOLD_IMAGES", 25), uint64(fromEnv("KEYHOLD_SEED", int(rand.Int32())))
	begun, random := time.Now(), rand.New(rand.NewPCG(seed, 2))
	r := recordFaults(t)
	all := r.disk.end()
	if err := r.checkWhole(t, all, all); err != nil {
		t.Fatalf("a folder that lost nothing: %v", err)
	}
	if err := r.checkWhole(t, all, r.prepared); err == nil || !strings.Contains(err.Error(), "not linearizable") {
		t.Errorf("a folder that lost all changes: %v", err)
	}
	var sum imageSum
	work := make(chan imageJob)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for job := range work {
				if err := r.check(t, job.place, job.image, &sum); err != nil {
					t.Errorf("a power failure at %d of %d, %+v, seed %d: %v", job.place, r.disk.end(), job.how, seed, err)
				}
			}
		})
	}
	for range images {
		job := imageJob{place: r.place(random), how: randomTear(random)}
		job.image = r.disk.imageAt(job.place, random, job.how)
		work <- job
	}
	close(work)
	workers.Wait()
	if t.Failed() {
		return
	}
	t.Logf("%d images in %.0f s, of a trace of %d changes of files, %d syncs and %d acknowledged changes: %s; seed %d",
		images, time.Since(begun).Seconds(), len(r.disk.ops), len(r.disk.syncs), r.countAcknowledged(r.disk.end()), &sum, seed)
	if images >= 25 && (sum.lost.Load() == 0 || sum.torn.Load() == 0) {
		t.Error("hardly anything was lost: the test tested nothing")
	}
}

type imageJob struct {
	place int
	how   tear
	image image
}

// An imageSum counts over images.
type imageSum struct{ maybe, lost, torn, early, changes atomic.Int64 }

func (s *imageSum) String() string {
	return fmt.Sprintf("%d changes of files were not synced, %d of them were lost and %d torn; %d images are from before the end of init; %d acknowledged changes were checked, 0 are lost",
		s.maybe.Load(), s.lost.Load(), s.torn.Load(), s.early.Load(), s.changes.Load())
}

// A recording is a run of the program under strace: init, serve until it was killed, serve again.
type recording struct {
	folder   faultFolder
	disk     *disk
	keys     []*faultKey
	made     int            // the place of the end of init's output
	prepared int            // the place at which the work on the keys began
	acks     map[string]int // the place of each response, by its request ID
}

const (
	imageKeys = 6
	imageWork = 14 // operations on each key, before the kill and after it
)

func recordFaults(t *testing.T) *recording {
	t.Helper()
	base, traces := t.TempDir(), t.TempDir()
	r := &recording{disk: newDisk(base), acks: map[string]int{}}
	log := func(name string) string { return filepath.Join(traces, name) }
	program := buildProgram(t)
	r.folder = initFolder(t, program, filepath.Join(base, "data"), straceWords(log("init"), "--seccomp-bpf")...)
	next := 0
	addTrace := func(name string, pid int) { // must run before the program changes the files again
		calls, after, err := readTrace(log(name), pid, next)
		if err == nil {
			next, err = after, r.disk.add(calls)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	addTrace("init", firstProcess(t, log("init")))
	r.made = next

	serve := func(name string) *faultServer {
		s, err := r.folder.serve(t, straceWords(log(name), "--seccomp-bpf")...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := serve("first")
	for range imageKeys {
		r.keys = append(r.keys, newFaultKey())
	}
	each(t, r.keys, func(k *faultKey) error { return k.prepare(t.Context(), first) })
	r.workUntil(t, first, func(done int) bool { return done >= imageKeys*imageWork })
	addTrace("first", first.Pid())
	for _, k := range r.keys {
		k.closeHistory()
	}
	second := serve("second")
	each(t, r.keys, func(k *faultKey) error { return k.inspect(t.Context(), second) })
	r.workUntil(t, second, nil)
	if err := second.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	each(t, r.keys, (*faultKey).check)
	addTrace("second", second.Pid())
	r.answers(t)
	if err := r.disk.checkFiles(); err != nil {
		t.Fatal(err)
	}
	return r
}

// firstProcess returns the first process ID in a trace.
func firstProcess(t *testing.T, log string) int {
	t.Helper()
	text, err := os.ReadFile(log)
	pid, _, _ := strings.Cut(string(text), " ")
	n, err2 := strconv.Atoi(pid)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return n
}

// workUntil runs one worker for each key. When kill is true for the number of operations done by all
// workers, it kills the server. Without kill, each worker ends after its operations.
func (r *recording) workUntil(t *testing.T, s *faultServer, kill func(done int) bool) {
	t.Helper()
	var done atomic.Int64
	each(t, r.keys, func(k *faultKey) error {
		for n := 0; kill != nil || n < imageWork; n++ {
			answer, live := k.do(t.Context(), s, k.choose())
			if !live {
				return nil
			}
			if answer == answerUnknown {
				return fmt.Errorf("the server failed a request:\n%s", s.stderr)
			}
			if kill != nil && kill(int(done.Add(1))) {
				s.end(syscall.SIGKILL)
			}
		}
		return nil
	})
}

var requestIDLine = regexp.MustCompile(`(?i)\r\nX-Amzn-Requestid: (\S+)\r\n`)

// answers finds the place in the trace of each response.
func (r *recording) answers(t *testing.T) {
	t.Helper()
	for _, c := range r.disk.calls {
		if c.name != "write" || !strings.HasPrefix(c.path, "TCP") {
			continue
		}
		answer, err := c.data(1)
		if err != nil {
			t.Fatal(err)
		}
		if id := requestIDLine.FindSubmatch(answer); id != nil {
			r.acks[string(id[1])] = c.begun
		}
	}
	for _, k := range r.keys {
		for _, op := range k.history {
			_, there := r.acks[op.Metadata.(string)]
			if op.Output != answerUnknown && !there {
				t.Fatalf("the answer to %v is not in the trace", op.Input)
			}
		}
		r.prepared = max(r.prepared, r.acks[k.prepared])
	}
}

// countAcknowledged counts the changes that were acknowledged before a place.
func (r *recording) countAcknowledged(place int) (n int) {
	for _, k := range r.keys {
		for _, id := range k.changes {
			if r.acks[id] < place {
				n++
			}
		}
	}
	return n
}

// place chooses a place of the trace: any place, or the end of a sync.
func (r *recording) place(random *rand.Rand) int {
	switch random.IntN(20) {
	case 0:
		return random.IntN(r.made)
	case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
		return random.IntN(r.disk.end() + 1)
	}
	return r.disk.syncs[random.IntN(len(r.disk.syncs))].ended
}

// checkWhole checks the files at one place, with nothing lost, against the changes that were
// acknowledged at another place.
func (r *recording) checkWhole(t *testing.T, expected, place int) error {
	image := r.disk.imageAt(place, rand.New(rand.NewPCG(0, 0)), tear{keep: 1})
	return r.check(t, expected, image, &imageSum{})
}

// check serves an image, and returns an error if it lacks a change that was acknowledged before the
// place.
func (r *recording) check(t *testing.T, place int, i image, sum *imageSum) error {
	sum.maybe.Add(int64(i.maybe))
	sum.lost.Add(int64(i.lost))
	sum.torn.Add(int64(i.torn))
	base := t.TempDir()
	defer os.RemoveAll(base)
	if err := i.write(r.disk.under, base); err != nil {
		return err
	}
	f := r.folder
	f.data = filepath.Join(base, "data")
	if place < r.made {
		sum.early.Add(1)
		return r.checkEarly(t.Context(), f)
	}
	var problems []error
	if _, err := f.verify(t.Context()); err != nil {
		problems = append(problems, fmt.Errorf("before the first start: %w", err))
	}
	s, err := f.serve(t)
	if err != nil {
		return errors.Join(append(problems, err)...)
	}
	audit, imports := newFaultAudit(f.data), 0
	for _, k := range r.keys {
		k, ok := k.asOf(place, r.acks)
		if !ok {
			continue
		}
		sum.changes.Add(int64(len(k.changes)))
		imports += k.openImports()
		problems = append(problems, k.finish(t.Context(), s), audit.readNew(), audit.checkOnce(k.changes))
	}
	problems = append(problems, s.end(syscall.SIGTERM))
	unnamed, err := f.verify(t.Context())
	if err == nil && unnamed > imports && place > r.prepared {
		err = fmt.Errorf("%d slots have no name, but only %d imports can have left one: deleted material was not erased", unnamed, imports)
	}
	return errors.Join(append(problems, err)...)
}

// openImports counts the imports that may have stopped half-way.
func (k *faultKey) openImports() (n int) {
	for _, op := range k.history {
		if op.Output == answerUnknown && op.Input.(faultOp).name == "ImportKeyMaterial" {
			n++
		}
	}
	return n
}

// checkEarly checks a folder that init may not have finished. Nothing was acknowledged yet, but the
// program must not crash.
func (r *recording) checkEarly(ctx context.Context, f faultFolder) error {
	for _, command := range []string{"verify", "serve"} {
		ctx, cancel := context.WithTimeout(ctx, faultPatience)
		defer cancel()
		args := []string{command, "--data", f.data, "--root-key-file", f.rootKey()}
		if command == "serve" {
			args = append(args, "--addr", "127.0.0.1:0", "--account", "999999999999") // another account, so that serve ends
		}
		out, err := exec.CommandContext(ctx, f.program, args...).CombinedOutput()
		if ctx.Err() != nil || crashed(string(out)) || err != nil && !bytes.Contains(out, []byte("keyhold: ")) {
			return fmt.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	return nil
}

// asOf returns the key as a client knew it at a place: the responses so far, and the next request.
// ok is false if the key may not exist yet.
func (k *faultKey) asOf(place int, acks map[string]int) (_ *faultKey, ok bool) {
	known := &faultKey{id: k.id, blob: k.blob}
	for i, op := range k.history {
		id := op.Metadata.(string)
		open := op.Output == answerUnknown
		at := int64(i - len(k.history)) // before all times
		op.Call, op.Return = at, at
		if !open && acks[id] >= place {
			op.Output = answerUnknown
			if i == 0 {
				return nil, false
			}
			if !op.Input.(faultOp).reads() {
				known.history = append(known.history, op)
			}
			break
		}
		known.history = append(known.history, op)
		if slices.Contains(k.changes, id) {
			known.changes = append(known.changes, id)
		}
		if name := op.Input.(faultOp).alias; op.Output == answerOK && name != "" {
			known.aliases = append(known.aliases, name)
		}
	}
	return known, true
}
