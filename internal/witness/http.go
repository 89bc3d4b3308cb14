package witness

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/cosign"
)

// The limits of a server: connections, requests at a time, and the time of each.
const (
	maxConnections = 512
	maxRequests    = 64
	requestTime    = 10 * time.Second
)

// Server returns an HTTP server of w, which follows the clock now.
func Server(w *Witness, now func() time.Time) *http.Server {
	return &http.Server{
		Handler:           handler(w, now),
		ReadHeaderTimeout: requestTime / 2,
		ReadTimeout:       requestTime,
		WriteTimeout:      requestTime,
		IdleTimeout:       2 * time.Minute, // longer than the minute between two checkpoints
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // strangers must not fill the operator's log
	}
}

func handler(w *Witness, now func() time.Time) http.Handler {
	places := make(chan struct{}, maxRequests)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", func(out http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			http.Error(out, "too many requests at a time", http.StatusServiceUnavailable)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, cosign.MaxRequest))
		if err != nil {
			answerUnread(out, err)
			return
		}
		line, err := w.Add(body, now())
		w.answer(out, line, err)
	})
	return mux
}

func answerUnread(out http.ResponseWriter, err error) {
	if long := new(http.MaxBytesError); errors.As(err, &long) {
		http.Error(out, fmt.Sprintf("the request has more than %d bytes", long.Limit), http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(out, "the request ended early", http.StatusBadRequest)
}

func (w *Witness) answer(out http.ResponseWriter, line []byte, err error) {
	var refusal *Refusal
	switch {
	case err == nil:
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		out.Write(line)
	case errors.As(err, &refusal) && refusal.Size >= 0:
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(refusal.Status)
		fmt.Fprintf(out, "%d\n", refusal.Size)
	case refusal != nil:
		http.Error(out, refusal.Reason, refusal.Status)
	default:
		w.log.Error("the witness could not cosign a checkpoint", "error", err)
		http.Error(out, "the witness cannot cosign now", http.StatusInternalServerError)
	}
}

// Limit returns a listener with a bound of connections, at which a stranger locks no log out (admit.Newest).
func Limit(l net.Listener) net.Listener { return admit.Newest(l, maxConnections) }
