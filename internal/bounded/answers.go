package bounded

import (
	"fmt"
	"io"
	"net/http"
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
		answer.Body = &body{answer.Body, c.most, c.most}
	}
	return answer, err
}

// A body fails beyond a number of bytes.
type body struct {
	io.ReadCloser
	left, most int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (n int, err error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err = b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n, err = int(b.left), fmt.Errorf("the answer of the server is longer than %d bytes", b.most)
	}
	b.left -= int64(n)
	return n, err
}
