package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An httpTarget gets batches of lines (application/x-ndjson). A batch is received when the answer has a status of 2xx.
type httpTarget struct {
	url, token string
	client     *http.Client
	buffer     bytes.Buffer
}

func newHTTP(address string, o Options) *httpTarget {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: o.TLS, TLSHandshakeTimeout: dialTime,
		IdleConnTimeout: 2 * time.Minute, MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 1,
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return &httpTarget{url: address, token: o.Token, client: client}
}

// String implements Target. A query can have a secret.
func (h *httpTarget) String() string {
	name, _, _ := strings.Cut(h.url, "?")
	return name
}

// Acknowledges implements Target.
func (h *httpTarget) Acknowledges() bool { return true }

// Send implements Target.
func (h *httpTarget) Send(ctx context.Context, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	h.buffer.Reset()
	for _, line := range lines {
		h.buffer.Write(line.Text)
		h.buffer.WriteByte('\n')
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(h.buffer.Bytes()))
	if err != nil {
		return fmt.Errorf("the URL of %s is wrong", h)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	r.Header.Set("Keyhold-First-Index", strconv.FormatInt(lines[0].Index, 10))
	if h.token != "" {
		r.Header.Set("Authorization", "Bearer "+h.token)
	}
	return h.do(r)
}

func (h *httpTarget) do(r *http.Request) error {
	answer, err := h.client.Do(r)
	if err != nil {
		return withoutURL(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)); err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %d", answer.StatusCode)
	}
	return nil
}

// Close implements Target.
func (h *httpTarget) Close() error {
	h.client.CloseIdleConnections()
	return nil
}

// withoutURL returns the cause of an error of the client, whose text has the URL with its query.
func withoutURL(err error) error {
	if e := new(url.Error); errors.As(err, &e) {
		return e.Err
	}
	return err
}
