package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/transfer"
)

// copyOptions are the flags of keyhold store copy.
type copyOptions struct {
	from, to string
	logs     []string // NODE=FILE
	rootOptions
}

func storeCopyCommand() *cobra.Command {
	var o copyOptions
	c := &cobra.Command{
		Use:   "copy --from STORE --to STORE",
		Short: "Copy a deployment to an empty store",
		Long: `Copy a deployment to an empty store, and verify the copy. A STORE is a data folder, or the
URL of a shared store. No server may use either of them. The copied store is not changed.

The copy cannot be used until it is complete. If the command is interrupted, run it again:
it goes on where it stopped. The copy has the same root key, credentials, Regions and keys.
Key material gets new slots, so the slots of one store do not open material of the other.

The audit log stays with the copied store. The log of the copy begins with an event
CopyStore, which has the length and the SHA-256 of the former log. Keep the former log.

The nodes of a shared store have one audit log each, in their data folders. Give copies of
the logs with --log: the command checks that they are whole and not newer than the store,
and the event has their lengths and SHA-256. It names the nodes whose log was not given.`,
		Example: `  keyhold store copy --from /var/lib/keyhold --to /srv/keyhold --root-key-file /etc/keyhold/root.key`,
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runStoreCopy(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&o.from, "from", "", "data folder or URL of the deployment")
	c.Flags().StringVar(&o.to, "to", "", "empty or missing folder, or URL, for the copy")
	c.Flags().StringArrayVar(&o.logs, "log", nil,
		"NODE=FILE: copy of the audit log of a node of a shared --from; repeatable")
	o.rootOptions.flags(c.Flags(), " (default: the name of the copied folder, followed by .root-key)")
	return c
}

// check rejects invalid flags, and completes the name of the root key file.
func (o *copyOptions) check() error {
	switch {
	case o.from == "" || o.to == "":
		return usageError{errors.New("keyhold store copy needs --from and --to: each is a data folder or a URL")}
	case host.IsShared(o.from) && !o.given():
		return usageError{errors.New("keyhold store copy needs --root-key-file, because --from is not a folder")}
	case len(o.logs) > 0 && !host.IsShared(o.from):
		return usageError{errors.New("--log is for a shared store in --from: the audit log of a folder is in the folder")}
	}
	if err := o.complete(rootKeyFileOf(o.from)); err != nil {
		return err
	}
	if !host.HasStore(o.from) {
		return explainOpen(records.ErrNotInitialised, o.from, o.root)
	}
	if log, err := os.Stat(filepath.Join(o.to, host.AuditName)); err == nil && log.Size() > 0 {
		return fmt.Errorf("%s has an audit log, of another store: give an empty or missing folder with --to", o.to)
	}
	return nil
}

func runStoreCopy(ctx context.Context, o copyOptions, out, log io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if err := harden(); err != nil {
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	root, err := o.openRoot()
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w; give the root key file of %s with --root-key-file", err, o.from)
	}
	if err != nil {
		return err
	}
	from, err := host.ReadStore(ctx, o.from)
	defer func() { err = errors.Join(err, from.Close()) }()
	if err != nil {
		return o.explainSource(err)
	}
	to, err := o.openTarget(ctx, fail)
	defer func() { err = errors.Join(err, to.Close()) }()
	if err != nil {
		return o.explainTarget(err)
	}
	logs, err := o.openLogs()
	defer func() { err = errors.Join(err, logs.close()) }()
	if err != nil {
		return err
	}
	p := &copyProgress{w: log, next: time.Now().Add(time.Second)}
	s, err := transfer.Copy(ctx, transfer.Config{
		From: transfer.Side(from), To: transfer.Side(to), Root: root, Log: logs.own, Logs: logs.nodes, Now: time.Now,
		Progress: p.show, Report: func(f integrity.Finding) { printf(out, "%s\n", f.String()) },
	})
	if err != nil {
		return o.explain(err)
	}
	return o.print(out, s)
}

// openTarget opens or creates the target. A folder gets an empty audit log, because a folder without a log has lost it.
func (o copyOptions) openTarget(ctx context.Context, fail func(error)) (host.Store, error) {
	to, err := host.OpenStore(ctx, o.to, fail)
	if err != nil || to.Shared {
		return to, err
	}
	log, err := audit.Open(filepath.Join(o.to, host.AuditName), audit.Options{})
	if err == nil {
		err = log.Close()
	}
	return to, err
}

// A copyProgress prints how far a copy is, at most once a second.
type copyProgress struct {
	w    io.Writer
	next time.Time
}

func (p *copyProgress) show(records int) {
	if now := time.Now(); now.After(p.next) {
		printer{p.w}.step("Copying", "%d records", records)
		p.next = now.Add(time.Second)
	}
}

func (o copyOptions) print(out io.Writer, s transfer.Summary) error {
	var p page
	p.printf("copied      %s, revision %d\nto          %s\nrecords    ", o.from, s.Source, o.to)
	total := 0
	for _, table := range slices.Sorted(maps.Keys(s.Records)) {
		p.printf(" %s %d", table, s.Records[table])
		total += s.Records[table]
	}
	p.printf("\nverified    %d records, %d materials, %d token keys\n", total, s.Materials, s.TokenKeys)
	for _, note := range s.Notes {
		p.printf("note        %s\n", note)
	}
	if host.IsShared(o.from) {
		printNodeLogs(&p, s.Nodes)
	} else {
		p.printf("audit log   %s stays where it is, with %d events: keep it\n",
			filepath.Join(o.from, host.AuditName), s.LogEvents)
	}
	printAuditKey(&p, s)
	p.printf("next        %s\n            Do not start a server on %s again: the two would differ.\n", o.next(), o.from)
	return p.writeTo(out)
}

// next returns the command that starts a server on the copy.
func (o copyOptions) next() string {
	switch {
	case host.IsShared(o.to):
		return fmt.Sprintf("%s serve --store %s --data DIR%s",
			self(), guarded.Shell(o.to), rootFlag(o.root))
	case o.root == custody.KeyFile(devRootKey(o.from)):
		return fmt.Sprintf("cp %s %s && %s dev --data %s", guarded.Shell(devRootKey(o.from)), guarded.Shell(devRootKey(o.to)),
			self(), guarded.Shell(o.to))
	}
	return fmt.Sprintf("%s serve --data %s%s", self(), guarded.Shell(o.to), rootFlag(o.root))
}

// explain adds the remedy to an error of a copy.
func (o copyOptions) explain(err error) error {
	switch {
	case errors.Is(err, transfer.ErrServing):
		return fmt.Errorf("%w: stop all nodes on %s, and run the command again. If a node was killed, start a node, wait "+
			"until keyhold node list shows no dead node, and stop it", err, o.from)
	case errors.Is(err, transfer.ErrOlderFormat):
		return fmt.Errorf("%s: %w: start a server of this version on it once, stop the server, and run the command again",
			o.from, err)
	case errors.Is(err, transfer.ErrChanged):
		return fmt.Errorf("%w: what %s has is incomplete, and cannot be continued: remove it, and run the command again",
			err, o.to)
	case errors.Is(err, transfer.ErrNotEmpty):
		return fmt.Errorf("%s: %w, and was left unchanged: give an empty or missing store with --to", o.to, err)
	case errors.Is(err, transfer.ErrNoNode):
		return fmt.Errorf("--log: %w; \"keyhold node list\" shows the nodes of %s", err, o.from)
	case errors.Is(err, transfer.ErrOtherCopy):
		return fmt.Errorf("%s: %w: wait for its end", o.to, err)
	case errors.Is(err, transfer.ErrUnsound):
		return fmt.Errorf("%w: the lines above name the faults. %s cannot be used. Check the copied store with "+
			"keyhold verify", err, o.to)
	case errors.Is(err, store.ErrTooOld), errors.Is(err, context.Canceled):
		return fmt.Errorf("the copy was interrupted: %w: run the same command again to continue", err)
	}
	return explainOpen(err, o.from, o.root)
}

// explainSource adds the remedy to an error from opening the copied store.
func (o copyOptions) explainSource(err error) error {
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%s is in use by another process: stop its server, and run the command again", o.from)
	}
	return explainOpen(err, o.from, o.root)
}

// explainTarget adds the remedy to an error from opening the target.
func (o copyOptions) explainTarget(err error) error {
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%s is in use by another process, or it is the folder of --from: give an empty or missing folder "+
			"with --to", o.to)
	}
	return explainOpen(err, o.to, o.root)
}
