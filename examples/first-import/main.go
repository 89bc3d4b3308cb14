// Command first-import tells the whole story of imported key material: it starts
// a server on a store in a temporary folder, walks through every step with the
// official Go SDK, and checks what comes back. It uses nothing of the server but
// the program itself, so what it does can be copied into any other program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// limit is how long the story may take before something must be wrong.
const limit = time.Minute

func main() {
	keyhold := flag.String("keyhold", "bin/keyhold", "path of the program")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, os.Stdout, *keyhold); err != nil {
		fmt.Fprintln(os.Stderr, "\nfirst-import:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, keyhold string) (err error) {
	folder, err := os.MkdirTemp("", "keyhold-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	server, err := startServer(ctx, keyhold, filepath.Join(folder, "data"))
	if err != nil {
		return err
	}
	s := &story{out: out, server: server}
	defer func() {
		clear(s.material[:])
		s.server.kill() // the last one: the story itself kills the first
		if err != nil {
			err = fmt.Errorf("%w\nThe log of the server:\n%s", err, &s.server.log)
		}
	}()
	fmt.Fprintf(out, "Bring your own key, against a server on %s\nwhose store is sealed in %s\n\n", server.endpoint, server.data)
	if err := s.tell(ctx); err != nil {
		return err
	}
	fmt.Fprint(out, next(keyhold))
	return nil
}

// next says what to try when the story is over.
func next(keyhold string) string {
	return fmt.Sprintf(`
All of it came back as it should. To try next, the server in a terminal of its own:

%[1]s dev --addr 127.0.0.1:4599
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws --endpoint-url http://127.0.0.1:4599 --region us-east-1 kms create-key --origin EXTERNAL
%[1]s clock advance 2160h --endpoint-url http://127.0.0.1:4599
`, keyhold)
}
