package server

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/keyhold/keyhold/internal/conns"
)

// SDKs retry after a request for whose body there is no memory.
func TestMalformedStatus(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{conns.ErrBusy, http.StatusServiceUnavailable},
		{fmt.Errorf("read: %w", conns.ErrBusy), http.StatusServiceUnavailable},
		{os.ErrDeadlineExceeded, http.StatusRequestTimeout},
		{errors.New("no HTTP"), http.StatusBadRequest},
	} {
		if got := malformedStatus(c.err); got != c.want {
			t.Errorf("%v: status %d, want %d", c.err, got, c.want)
		}
	}
}
