// Command first-import shows every step of an import of key material. It starts a server with a data
// folder in a temporary folder, sends requests with the official Go SDK, and checks the responses. It
// uses no code of the server, so you can copy its steps into your own program.
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

// limit bounds the time for the story.
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
		s.server.kill() // the last server: a step kills the first one
		if err != nil {
			err = fmt.Errorf("%w\nThe log of the server:\n%s", err, &s.server.log)
		}
	}()
	fmt.Fprintf(out,
		"Bring your own key, against a server on %s\nwhose store is sealed in %s\n\n", server.endpoint, server.data)
	if err := s.run(ctx); err != nil {
		return err
	}
	fmt.Fprint(out, next(keyhold))
	return nil
}

// next returns commands to try after the story.
func next(keyhold string) string {
	return fmt.Sprintf(`
All results are as expected. To go on, start a server in another terminal, and try these commands:

%[1]s dev --addr 127.0.0.1:4599
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws --endpoint-url http://127.0.0.1:4599 --region us-east-1 kms create-key --origin EXTERNAL
%[1]s clock advance 2160h --endpoint-url http://127.0.0.1:4599
`, keyhold)
}
