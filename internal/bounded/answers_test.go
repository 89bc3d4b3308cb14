package bounded

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

type answering struct{ body io.Reader }

func (a answering) Do(*http.Request) (*http.Response, error) {
	return &http.Response{Body: io.NopCloser(a.body)}, nil
}

// An answer is read up to its bound, and a longer one fails.
func TestAnswers(t *testing.T) {
	const most = 100
	for size, fails := range map[int]bool{0: false, 99: false, 100: false, 101: true, 1000: true} {
		for name, slow := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "in bytes": iotest.OneByteReader, "with the end": iotest.DataErrReader,
		} {
			answer, err := Answers(answering{slow(strings.NewReader(strings.Repeat("x", size)))}, most).Do(nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(answer.Body)
			if (err != nil) != fails || !bytes.Equal(got, bytes.Repeat([]byte("x"), min(size, most))) {
				t.Errorf("%d bytes %s: %d were read, %v", size, name, len(got), err)
			}
			if fails && !strings.Contains(err.Error(), "longer than 100 bytes") {
				t.Error(err)
			}
		}
	}
}

type failing struct{}

func (failing) Do(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func TestAnswersOfAFailure(t *testing.T) {
	if answer, err := Answers(failing{}, 1).Do(nil); answer != nil || err != io.ErrUnexpectedEOF {
		t.Error(answer, err)
	}
}
