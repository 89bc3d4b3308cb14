package bounded

import "io"

// Reader returns a Reader that fails with tooLong after most bytes of r, if r has more.
func Reader(r io.Reader, most int64, tooLong error) io.Reader { return &reader{r, most, tooLong} }

type reader struct {
	r       io.Reader
	left    int64
	tooLong error
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (n int, err error) {
	if int64(len(p)) > r.left+1 {
		p = p[:r.left+1]
	}
	n, err = r.r.Read(p)
	if int64(n) > r.left {
		n, err = int(r.left), r.tooLong
	}
	r.left -= int64(n)
	return n, err
}
