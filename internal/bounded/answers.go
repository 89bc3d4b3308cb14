package bounded

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// A Client sends HTTP requests.
type Client interface {
	Do(*http.Request) (*http.Response, error)
}

// Answers returns a Client whose answers fail to be read beyond a number of bytes: a hostile server could send without
// end, and the AWS SDK reads each answer as a whole.
func Answers(c Client, most int64) Client { return client{c, most} }

type client struct {
	Client
	most int64
}

// Do implements Client.
func (c client) Do(r *http.Request) (*http.Response, error) {
	answer, err := c.Client.Do(r)
	if err == nil {
		tooLong := fmt.Errorf("the answer of the server is longer than %d bytes", c.most)
		answer.Body = body{Reader(answer.Body, c.most, tooLong), answer.Body}
	}
	return answer, err
}

// A budget is how many bytes all answers together may have.
type budget struct {
	Client
	left atomic.Int64
	most int64
}

// InAll returns a Client whose answers fail to be read when all of them together have more than a number of bytes. A
// hostile server could answer a listing with ever new pages. The answers to requests in a context of Streaming do not
// count.
func InAll(c Client, most int64) Client {
	b := &budget{Client: c, most: most}
	b.left.Store(most)
	return b
}

type streaming struct{}

// Streaming returns a context for requests whose answers the caller does not keep.
func Streaming(ctx context.Context) context.Context { return context.WithValue(ctx, streaming{}, true) }

// Do implements Client.
func (b *budget) Do(r *http.Request) (*http.Response, error) {
	answer, err := b.Client.Do(r)
	if err == nil && r.Context().Value(streaming{}) == nil {
		answer.Body = &counted{answer.Body, b}
	}
	return answer, err
}

// A counted body takes its bytes from a budget.
type counted struct {
	io.ReadCloser
	from *budget
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (n int, err error) {
	n, err = c.ReadCloser.Read(p)
	if c.from.left.Add(-int64(n)) < 0 {
		return 0, fmt.Errorf("the answers of the server are longer than %d bytes in all", c.from.most)
	}
	return n, err
}

// A body is an answer that is read through another Reader.
type body struct {
	io.Reader
	io.Closer
}
