// Command three-nodes shows that a deployment of three nodes on an etcd cluster survives one of them. It starts a
// server of etcd and three nodes in a temporary folder, imports key material with the official Go SDK through a load
// balancer, kills a node with SIGKILL meanwhile, and checks that nothing was lost. It uses no code of the server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// limit bounds the time for the story.
const limit = 5 * time.Minute

func main() {
	keyhold := flag.String("keyhold", "bin/keyhold", "path of the program")
	etcd := flag.String("etcd", "etcd", "path of the server of etcd")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, os.Stdout, *keyhold, *etcd); err != nil {
		fmt.Fprintln(os.Stderr, "\nthree-nodes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, keyhold, etcd string) (err error) {
	folder, err := os.MkdirTemp("", "keyhold-nodes-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	d := &deployment{folder: folder, keyhold: keyhold, etcd: etcd}
	defer d.kill()
	s := &story{out: out, deployment: d}
	return s.run(ctx)
}
