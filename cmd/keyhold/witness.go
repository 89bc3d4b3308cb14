package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/witness"
)

// witnessOptions are the flags of keyhold witness.
type witnessOptions struct {
	endpointOptions
	data, name, logs string
}

func witnessCommand() *cobra.Command {
	var o witnessOptions
	c := &cobra.Command{
		Use:   "witness --data DIR --logs FILE",
		Short: "Cosign the checkpoints of audit logs",
		Long: `Cosign the checkpoints of audit logs, as the protocol tlog-witness of C2SP describes. The
witness signs a checkpoint only if the log still has all lines of every checkpoint that the
witness signed before. Run it on a machine that the administrators of the logs do not
control (docs/anchors.md).

The first start makes the key of the witness in the data folder, and needs --name. Each
start prints its verifier key, for the flag --audit-anchor-key of keyhold serve.

Each line of --logs has the verifier key of a log, which is in the log of a server with an
anchor. If the origin of a log is not the name of its key, the line has the origin after
a space.

Back up the key, but not the checkpoints: a witness that forgets a checkpoint can cosign
a log that lost lines. If the checkpoints are lost, make a new witness.`,
		Example: `  keyhold witness --data /var/lib/keyhold-witness --name witness.example.com/one \
    --logs /etc/keyhold/logs --addr :4600 --tls-cert witness.pem --tls-key witness.key`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runWitness(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&o.data, "data", "", "folder of the key and of the newest checkpoints")
	c.Flags().StringVar(&o.name, "name", "", "name of the witness in its signatures, such as witness.example.com/one")
	c.Flags().StringVar(&o.logs, "logs", "", "file with the verifier keys of the logs")
	o.endpointOptions.flags(c, "127.0.0.1:4600")
	return c
}

func (o witnessOptions) check() error {
	switch {
	case o.data == "":
		return usageError{errors.New("--data: name the folder of the witness")}
	case o.logs == "":
		return usageError{errors.New("--logs: name the file with the verifier keys of the logs")}
	}
	return o.endpointOptions.check()
}

func runWitness(ctx context.Context, o witnessOptions, out, log io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if err := harden(); err != nil {
		return err
	}
	logs, err := readLogs(o.logs)
	if err != nil {
		return err
	}
	if err := o.create(); err != nil {
		return err
	}
	w, err := witness.Open(o.data, logs, slog.New(slog.NewTextHandler(log, nil)), time.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if o.name != "" && o.name != w.Verifier().Name() {
		return fmt.Errorf("the witness in %s has the name %s, not %s", o.data, w.Verifier().Name(), o.name)
	}
	return o.serve(ctx, w, len(logs), out)
}

// create makes the key at the first start.
func (o witnessOptions) create() error {
	if witness.HasKey(o.data) {
		return guarded.CheckFolder(o.data)
	}
	if o.name == "" {
		return usageError{fmt.Errorf("%s is not the folder of a witness: give --name to make a new witness", o.data)}
	}
	return witness.Create(o.data, o.name)
}

func readLogs(path string) (witness.Logs, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--logs: %w", err)
	}
	defer f.Close()
	logs, err := witness.ReadLogs(f)
	if err != nil {
		return nil, usageError{fmt.Errorf("--logs: %s: %w", path, err)}
	}
	return logs, nil
}

// serve answers requests until ctx ends.
func (o witnessOptions) serve(ctx context.Context, w *witness.Witness, logs int, out io.Writer) error {
	var secure *tls.Config
	listener, err := o.listen(&secure)
	if err != nil {
		return err
	}
	scheme, addr := "http", listener.Addr().String()
	listener = witness.Limit(listener)
	if secure != nil {
		scheme, listener = "https", tls.NewListener(listener, secure)
	}
	if err := printf(out, "Keyhold witness\n\n  endpoint      %s://%s\n  verifier key  %s\n  logs          %d\n\n",
		scheme, addr, w.Verifier(), logs); err != nil {
		return err
	}
	server := witness.Server(w, time.Now)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if err := server.Close(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
