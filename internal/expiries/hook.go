package expiries

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
)

// The bounds of a Hook.
const (
	waiting   = 100              // warnings that wait
	hookTime  = 30 * time.Second // of one attempt
	attempts  = 3
	hookPause = 5 * time.Second // after the first failure; twice as long after the second
)

// A Hook tells another program or a web server of warnings: a command gets the warning as JSON on its standard input,
// and an HTTPS address gets it as the body of a POST. Nothing waits for a Hook.
type Hook struct {
	to      string // the path of a command, or an https URL
	log     *slog.Logger
	client  *http.Client
	queue   *queue
	pause   time.Duration
	failure atomic.Uint64
}

// CheckHook returns an error unless to is the path of a command or an https URL. The error does not show to, because a
// URL of a hook is often a secret itself.
func CheckHook(to string) error {
	if strings.HasPrefix(to, "https://") {
		if u, err := url.Parse(to); err != nil || u.Host == "" {
			return errors.New("the https URL cannot be parsed: write it as https://HOST/PATH")
		}
		return nil
	}
	if !filepath.IsAbs(to) {
		return errors.New("give an https URL, or the absolute path of a command")
	}
	return nil
}

// NewHook returns a Hook. Its errors never contain the URL, which may have a token.
func NewHook(to string, log *slog.Logger) *Hook {
	return &Hook{
		to: to, log: log, queue: newQueue(waiting), pause: hookPause,
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// A message is the event of a warning. The details become JSON. The account is empty for a warning about the server.
type message struct {
	event   string
	details any
	account string
}

// Add queues a warning: the name and the details of its event. If too many wait, a warning of the account that has most
// is dropped with a line of the log.
func (h *Hook) Add(event string, details any) {
	m := message{event: event, details: details}
	if w, ok := details.(Warning); ok {
		m.account = w.account()
	}
	if dropped, full := h.queue.add(m); full {
		h.failure.Add(1)
		h.log.Error("the hook of expiry warnings is too slow: a warning was dropped",
			"event", dropped.event, "account", dropped.account)
	}
}

// Failures returns the number of warnings that the hook did not take.
func (h *Hook) Failures() uint64 { return h.failure.Load() }

// Run calls the hook until ctx ends.
func (h *Hook) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if m, ok := h.queue.take(); ok {
			h.tell(ctx, m)
			continue
		}
		select {
		case <-ctx.Done():
		case <-h.queue.more:
		}
	}
}

// tell calls the hook with a message, and counts and logs a failure.
func (h *Hook) tell(ctx context.Context, m message) {
	if err := h.try(ctx, m); err != nil && ctx.Err() == nil {
		h.failure.Add(1)
		h.log.Error("the hook of expiry warnings failed", "event", m.event, "attempts", attempts, "cause", err)
	}
}

// try calls the hook until it succeeds, a bounded number of times.
func (h *Hook) try(ctx context.Context, m message) error {
	body, err := json.Marshal(m.details)
	if err != nil {
		return err
	}
	for i := range attempts {
		if i > 0 {
			select {
			case <-time.After(h.pause << (i - 1)):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err = h.call(ctx, m.event, body); err == nil {
			return nil
		}
	}
	return err
}

func (h *Hook) call(ctx context.Context, event string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	if strings.HasPrefix(h.to, "https://") {
		return h.post(ctx, body)
	}
	c := exec.CommandContext(ctx, h.to)
	c.Stdin, c.WaitDelay = bytes.NewReader(body), time.Second
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "KEYHOLD_EVENT=" + event} // no secrets of the server's environment
	return c.Run()
}

var errNotTaken = errors.New("the web server did not answer with a status of 2xx")

func (h *Hook) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.to, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL is not valid")
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := h.client.Do(r)
	if err != nil {
		return errors.Unwrap(err) // a url.Error has the URL
	}
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%w: %d", errNotTaken, answer.StatusCode)
	}
	return nil
}
