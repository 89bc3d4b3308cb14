package witness

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/transparency"
)

// changes limits how often a log can make the witness write.
var changes = admit.Limit{PerSecond: 5, Burst: 50}

// accusations limits the lines in the operator's log about logs that lack lines.
var accusations = admit.Limit{PerSecond: 1.0 / 60, Burst: 3}

// A Witness cosigns the checkpoints of logs. Its methods may be called concurrently.
type Witness struct {
	folder  string
	lock    *os.File
	signer  cosign.Signer
	logs    map[string]*watched
	log     *slog.Logger
	changes *admit.Buckets
	accused *admit.Buckets
}

// A watched log has its newest cosigned checkpoint.
type watched struct {
	keys   []note.Verifier
	mu     sync.Mutex
	newest transparency.Checkpoint
}

// Open opens the witness in a folder. The caller must close it.
func Open(folder string, logs Logs, log *slog.Logger, now time.Time) (*Witness, error) {
	if info, err := os.Stat(filepath.Join(folder, checkpointsName)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s has no folder %s: restore the folder of the witness. Without the checkpoints that "+
			"it cosigned, the witness could cosign logs that lack lines", folder, checkpointsName)
	}
	signer, err := readKey(folder)
	if err != nil {
		return nil, err
	}
	w := &Witness{folder: folder, signer: signer, log: log, logs: map[string]*watched{}}
	w.changes, w.accused = admit.NewBuckets(changes, 4*maxLogs, now), admit.NewBuckets(accusations, 4*maxLogs, now)
	if w.lock, err = lock(folder); err != nil {
		return nil, err
	}
	for origin, keys := range logs {
		c, err := readNewest(folder, origin, signer.Verifier)
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
		w.logs[origin] = &watched{keys: keys, newest: c}
	}
	return w, nil
}

// Close lets another process open the folder.
func (w *Witness) Close() error { return w.lock.Close() }

// Verifier returns the public half of the witness's key.
func (w *Witness) Verifier() *cosign.Verifier { return w.signer.Verifier }

// A Refusal is the reason why the witness does not cosign a checkpoint. Size is -1, or the size of the newest cosigned
// checkpoint, which the client needs.
type Refusal struct {
	Status int
	Reason string
	Size   int64
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

func refuse(status int, format string, args ...any) error {
	return &Refusal{status, fmt.Sprintf(format, args...), -1}
}

// Add checks the request to cosign a checkpoint in the order of c2sp.org/tlog-witness, keeps the checkpoint, and
// returns the signature line. The error is a [Refusal], or the failure of this machine.
func (w *Witness) Add(body []byte, now time.Time) (line []byte, err error) {
	r, err := cosign.ParseRequest(body)
	if err != nil {
		return nil, refuse(400, "%v", err)
	}
	claimed, err := transparency.ParseCheckpoint(string(r.Checkpoint))
	if err != nil {
		return nil, refuse(400, "%v", err)
	}
	log := w.logs[claimed.Origin]
	if log == nil {
		return nil, refuse(404, "this witness does not know the log")
	}
	c, signed, err := cosign.Open(r.Checkpoint, log.keys...)
	if err != nil || c.Origin != claimed.Origin {
		return nil, refuse(403, "no known key of the log signed the checkpoint")
	}
	if r.Old > c.Size {
		return nil, refuse(400, "the old size is larger than the size of the checkpoint")
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if err := w.check(log, r, c, now); err != nil {
		return nil, err
	}
	return w.cosign(log, c, signed, now)
}

// check refuses a checkpoint that does not continue the newest cosigned one.
func (w *Witness) check(log *watched, r cosign.Request, c transparency.Checkpoint, now time.Time) error {
	if r.Old != log.newest.Size {
		return &Refusal{409, "the old size is not the size of the newest cosigned checkpoint", log.newest.Size}
	}
	if c.Size == log.newest.Size && c.Root != log.newest.Root {
		w.accuse(c, log.newest, now)
		return refuse(409, "a checkpoint of this size with another root was cosigned before")
	}
	if err := cosign.CheckProof(r.Proof, c, log.newest); err != nil {
		w.accuse(c, log.newest, now)
		return refuse(422, "the consistency proof is wrong")
	}
	if c.Size > log.newest.Size && !w.changes.Allow(c.Origin, now) {
		return refuse(429, "the log sends new checkpoints too often")
	}
	return nil
}

// accuse warns of a log that signed a checkpoint and does not prove that the checkpoint has the earlier lines.
func (w *Witness) accuse(c, known transparency.Checkpoint, now time.Time) {
	if w.accused.Allow(c.Origin, now) {
		w.log.Warn("a log signed a checkpoint that is not proved to continue the checkpoint cosigned before",
			"origin", c.Origin, "size", c.Size, "root", c.Root.String(),
			"cosignedSize", known.Size, "cosignedRoot", known.Root.String())
	}
}

// cosign keeps a checkpoint and returns the signature line. A checkpoint of the same size needs no writing.
func (w *Witness) cosign(log *watched, c transparency.Checkpoint, signed *note.Note, now time.Time) ([]byte, error) {
	line, err := w.signer.At(now).Line([]byte(signed.Text))
	if err != nil {
		return nil, err
	}
	if c.Size == log.newest.Size {
		return line, nil
	}
	kept, err := note.Sign(&note.Note{Text: signed.Text, Sigs: signed.Sigs})
	if err != nil {
		return nil, err
	}
	if err := durable.ReplaceFile(checkpointPath(w.folder, c.Origin), slices.Concat(kept, line)); err != nil {
		return nil, fmt.Errorf("keep the checkpoint of %s: %w", c.Origin, err)
	}
	log.newest = c
	return line, nil
}
