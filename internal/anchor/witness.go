package anchor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/cosign"
)

const (
	maxAnswer = 64 << 10         // bytes
	maxTries  = 3                // of requests for one checkpoint, because a witness tells the size that it has
	clockSkew = 10 * time.Minute // between this machine and a witness
)

// A Witness is an HTTPS witness (c2sp.org/tlog-witness).
type Witness struct {
	url      string
	verifier *cosign.Verifier
	client   *http.Client
	now      func() time.Time
}

// NewWitness returns the witness at a URL, with the roots of the system.
func NewWitness(url string, v *cosign.Verifier) *Witness {
	return &Witness{url, v, newClient(http.DefaultTransport), time.Now}
}

// newClient returns a client that follows no redirections, because a witness has one address.
func newClient(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// String returns the flag of the anchor.
func (w *Witness) String() string { return w.url }

// Keep implements [Anchor].
func (w *Witness) Keep(ctx context.Context, c Checkpoint, confirmed int64) ([]byte, error) {
	old := min(confirmed, c.Size) // a log that is shorter than confirmed learns it from the witness
	for range maxTries {
		proof, err := cosign.Prove(c.Size, old, c.Hashes)
		if err != nil {
			return nil, err
		}
		status, kind, body, err := w.post(ctx, cosign.Request{Old: old, Proof: proof, Checkpoint: c.Signed}.Bytes())
		if err != nil {
			return nil, err
		}
		if status == http.StatusOK {
			return w.receipt(c, body)
		}
		if status != http.StatusConflict || kind != "text/x.tlog.size" {
			return nil, w.refusal(c, status, body)
		}
		if old, err = w.size(c, body, confirmed); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the witness %s names another size in each answer", w.url)
}

// post sends a request and reads the answer.
func (w *Witness) post(ctx context.Context, body []byte) (status int, kind string, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return 0, "", nil, err
	}
	a, err := w.client.Do(r)
	if err != nil {
		return 0, "", nil, fmt.Errorf("the witness cannot be reached: %w", err)
	}
	defer a.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(a.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("it has more than %d bytes", maxAnswer)
	}
	if err != nil {
		err = fmt.Errorf("read the answer of the witness %s: %w", w.url, err)
	}
	return a.StatusCode, a.Header.Get("Content-Type"), answer, err
}

// receipt verifies the cosignature in an answer, and returns the checkpoint with it.
func (w *Witness) receipt(c Checkpoint, answer []byte) ([]byte, error) {
	signed := append(bytes.Clone(c.Signed), answer...)
	got, n, err := cosign.Open(signed, w.verifier)
	if err != nil || got != c.Checkpoint || len(n.Sigs) != 1 {
		return nil, fmt.Errorf("the answer of the witness %s has no valid cosignature of %s", w.url, w.verifier.Name())
	}
	at, err := cosign.TimeOf(n.Sigs[0])
	if err != nil {
		return nil, err
	}
	if skew := w.now().Sub(at).Abs(); skew > clockSkew {
		return nil, fmt.Errorf("the witness %s signed at %s: its clock and the clock of this machine differ by %v, or the "+
			"answer is a copy of an earlier one", w.url, at.UTC().Format(time.RFC3339), skew.Round(time.Second))
	}
	return signed, nil
}

// size returns the size that a witness has.
func (w *Witness) size(c Checkpoint, answer []byte, confirmed int64) (int64, error) {
	text := strings.TrimSuffix(string(answer), "\n")
	size, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || size < 0 || strconv.FormatInt(size, 10) != text:
		return 0, fmt.Errorf("the witness %s does not name its size", w.url)
	case size > c.Size:
		return 0, fmt.Errorf("%w: it has %d lines, and the witness %s cosigned %d", ErrNewer, c.Size, w.url, size)
	case size < confirmed:
		return 0, fmt.Errorf("%w: the witness %s has size %d, and cosigned %d", ErrForgot, w.url, size, confirmed)
	}
	return size, nil
}

// refusal returns the error for an answer that refuses a checkpoint.
func (w *Witness) refusal(c Checkpoint, status int, answer []byte) error {
	reason := strings.TrimSpace(strings.ToValidUTF8(string(answer[:min(len(answer), 200)]), "?"))
	switch status {
	case http.StatusConflict, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: the witness %s answered %d %s", ErrForked, w.url, status, reason)
	case http.StatusNotFound:
		return fmt.Errorf("the witness %s does not know the log %s: add the verifier key of the log to its list", w.url,
			c.Origin)
	case http.StatusForbidden:
		return fmt.Errorf("the witness %s does not know the key of the log %s: correct its list", w.url, c.Origin)
	}
	return errors.New("the witness " + w.url + " answered " + strconv.Itoa(status) + " " + reason)
}
