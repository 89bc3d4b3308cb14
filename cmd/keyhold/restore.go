package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/backup"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/redo"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/transfer"
)

// restoreOptions are the flags of keyhold restore.
type restoreOptions struct {
	from, to    string
	logs        []string // NODE=DIR
	withoutLogs bool
	backupKeys
	shares givenShares
}

func restoreCommand() *cobra.Command {
	var o restoreOptions
	c := &cobra.Command{
		Use:   "restore --from FILE --to STORE --identity FILE (--log NODE=DIR | --without-logs)",
		Short: "Restore a backup to an empty store",
		Long: `Restore a backup to an empty store (docs/backup.md). A STORE is a data folder, or the URL of
a shared store. The whole backup is verified before anything is written. The store cannot be
used until everything was written and verified: if the command is interrupted, run it again.

A backup undoes later deletions and revocations: of key material, keys, grants, access keys,
sessions, and policies that deny. --log names a copy of the audit log of a node: a data folder,
or a folder with audit.log and audit. The command verifies its lines, and repeats the deletions
and revocations that they show. If a log is missing, the command cannot repeat them:
--without-logs accepts this.

Nodes of the former deployment cannot use the restored store, and its audit logs begin anew,
with an event RestoreBackup and other keys. Never start the former deployment again.`,
		Example: `  keyhold restore --from a.backup --identity identity.txt --to /var/lib/keyhold --root-key-file root.key \
      --log 5XGAWTLB3S224534=former`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runRestore(c.Context(), o, c.OutOrStdout(), printer{c.ErrOrStderr()})
		},
	}
	f := c.Flags()
	f.StringVar(&o.from, "from", "", "file that keyhold backup made")
	f.StringVar(&o.to, "to", "", "empty or missing folder, or URL of a shared store")
	f.StringArrayVar(&o.logs, "log", nil, "NODE=DIR: copy of the audit log of a node; repeatable")
	f.BoolVar(&o.withoutLogs, "without-logs", false,
		"restore although logs are missing: their deletions and revocations are undone")
	o.backupKeys.flags(c)
	f.StringArrayVar(&o.shares.files, "share", nil, "share of the recovery key, in place of the root key; repeatable")
	return c
}

// check rejects invalid flags.
func (o *restoreOptions) check() (logs []redo.Log, err error) {
	switch {
	case o.from == "" || o.to == "" || len(o.identities) == 0:
		return nil, usageError{errors.New("keyhold restore needs --from, --to and --identity")}
	case o.given() == (len(o.shares.files) > 0):
		return nil, usageError{errors.New("keyhold restore needs the root key: give --root-key-file, --custody, or --share")}
	}
	for _, log := range o.logs {
		node, dir, ok := strings.Cut(log, "=")
		if !ok || node == "" || dir == "" {
			return nil, usageError{fmt.Errorf("--log %q is not NODE=DIR", log)}
		}
		path := filepath.Join(dir, host.AuditName)
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("--log %s: %w", node, err)
		}
		logs = append(logs, redo.Log{Node: node, Path: path})
	}
	if log, err := os.Stat(filepath.Join(o.to, host.AuditName)); err == nil && log.Size() > 0 {
		return nil, fmt.Errorf("%s has an audit log, of another store: give an empty or missing folder with --to", o.to)
	}
	return logs, o.complete("")
}

func runRestore(ctx context.Context, o restoreOptions, out io.Writer, progress printer) (err error) {
	logs, err := o.check()
	if err != nil {
		return err
	}
	if len(o.shares.files) > 0 {
		o.shares.identities = o.identities
		if o.made, _, err = o.shares.recoveryKey(); err != nil {
			return err
		}
	}
	f, keyring, err := o.open(ctx, o.from)
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := f.Check(ctx, keyring, showRecords(progress, "Verifying"))
	if err != nil {
		return explainBackup(err, o.from)
	}
	plan, err := o.plan(ctx, f, keyring, logs, out)
	if err != nil {
		return err
	}
	var p page
	p.printf("verified    %s\n", o.from)
	describeBackup(&p, f.Header, s)
	if err := p.writeTo(out); err != nil {
		return err
	}
	return o.write(ctx, f, plan, out, progress)
}

// plan finds out what a restore would undo.
func (o restoreOptions) plan(
	ctx context.Context, f *backup.File, keyring *seal.Keyring, logs []redo.Log, out io.Writer,
) (plan *redo.Plan, err error) {
	findings := 0
	h := f.Header
	cut := redo.Cut{Revision: h.Revision, Time: h.Time, Shared: h.Shared, Offline: h.Offline}
	err = store.New(f, keyring.Records()).View(ctx, func(v *store.View) error {
		plan, err = redo.Read(ctx, v, cut, logs, func(found redo.Finding) {
			findings++
			printf(out, "audit log %s: %s\n", found.Log, found.Problem)
		})
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case findings > 0:
		return nil, fmt.Errorf("the logs have %d faults, which the lines above name: nothing was written. Give sound "+
			"copies of the logs", findings)
	case len(plan.Missing) > 0 && !o.withoutLogs:
		return nil, fmt.Errorf("without the audit log of %s up to its end, nobody knows which deletions and revocations "+
			"since %s the restore would undo: nothing was written. Give the log with --log %s=DIR, or accept this with "+
			"--without-logs", strings.Join(plan.Missing, ", "), f.Header.Time.Format(time.RFC3339), plan.Missing[0])
	}
	return plan, nil
}

// write writes the backup to the target, and does again what the logs took away.
func (o restoreOptions) write(
	ctx context.Context, f *backup.File, plan *redo.Plan, out io.Writer, progress printer,
) (err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	root, err := o.openRoot()
	if err != nil {
		return err
	}
	to, err := host.OpenStore(ctx, o.to, fail)
	defer func() { err = errors.Join(err, to.Close()) }()
	if err == nil && !to.Shared {
		err = makeEmptyLog(o.to)
	}
	if err != nil {
		return explainOpen(err, o.to, o.root)
	}
	var done []redo.Done
	show := showRecords(progress, "Restoring")
	s, err := transfer.Copy(ctx, transfer.Config{
		From: transfer.Side{Backend: f, Slots: f.Slots()}, To: transfer.Side(to), Root: root, Now: time.Now,
		Progress: func(n int) { show(int64(n)) }, Report: func(f integrity.Finding) { printf(out, "%s\n", f.String()) },
		Snapshot: f, Event: "RestoreBackup", Details: func(records map[string]int) any {
			return restoreDetails(f, plan, records, len(done))
		},
		Amend: func(ctx context.Context, to *store.Store, node string) (err error) {
			done, err = plan.Apply(ctx, to, node, time.Now())
			return err
		},
	})
	if err != nil {
		return o.explain(err)
	}
	return o.print(out, s, plan, done)
}

// makeEmptyLog gives a folder an empty audit log, because a folder without a log has lost it.
func makeEmptyLog(dir string) error {
	log, err := audit.Open(filepath.Join(dir, host.AuditName), audit.Options{})
	if err == nil {
		err = log.Close()
	}
	return err
}

// restoreDetails are in the event RestoreBackup.
func restoreDetails(f *backup.File, plan *redo.Plan, records map[string]int, events int) any {
	return struct {
		Time        string         `json:"backupTime"`
		Revision    int64          `json:"sourceRevision"`
		SHA256      string         `json:"sha256"`
		Records     map[string]int `json:"records"`
		Redone      int            `json:"eventsSince"`
		MissingLogs []string       `json:"missingLogs,omitempty"`
	}{f.Header.Time.Format(time.RFC3339), f.Header.Revision, f.SHA256, records, events, plan.Missing}
}

func (o restoreOptions) print(out io.Writer, s transfer.Summary, plan *redo.Plan, done []redo.Done) error {
	var p page
	total := 0
	for _, n := range s.Records {
		total += n
	}
	p.printf("restored    to %s: %d records, %d materials, %d token keys, verified\n",
		o.to, total, s.Materials, s.TokenKeys)
	for _, d := range done {
		what := "again"
		switch {
		case d.Problem != nil:
			what = "NOT done again: " + d.Problem.Error()
		case !d.Made:
			continue
		}
		p.printf("%-11s %s %s %s\n", "redone", d.Event.EventTime.UTC().Format(time.RFC3339), d.Event.EventName, what)
	}
	if len(plan.Missing) > 0 {
		p.printf("not known   what the logs of %s took away since the backup\n", strings.Join(plan.Missing, ", "))
	} else {
		p.printf("logs        %d events since the backup, until %s\n", plan.Later, plan.Last.UTC().Format(time.RFC3339))
	}
	for _, name := range plan.Unknown {
		p.printf("not proved  the log of %s, which the backup does not know\n", name)
	}
	printAuditKey(&p, s)
	return p.writeTo(out)
}

// printAuditKey shows the key of the audit log that a deployment in another store begins.
func printAuditKey(p *page, s transfer.Summary) {
	if s.AuditKey == "" {
		p.printf("public key  each node makes keys for its audit log when it joins, and keyhold audit verify shows them\n")
		return
	}
	p.printf("public key  of the new audit log, for keyhold audit verify: %s\n", s.AuditKey)
}

// explain adds the remedy to an error of a restore.
func (o restoreOptions) explain(err error) error {
	switch {
	case errors.Is(err, transfer.ErrOlderFormat):
		return fmt.Errorf("%s: %w: restore it with the version that made it, and start this version on the store then",
			o.from, err)
	case errors.Is(err, transfer.ErrChanged):
		return fmt.Errorf("%s has an unfinished restore of another backup: remove it, and run the command again", o.to)
	case errors.Is(err, transfer.ErrNotEmpty):
		return fmt.Errorf("%s: %w, and was left unchanged: give an empty or missing store with --to", o.to, err)
	case errors.Is(err, transfer.ErrUnsound):
		return fmt.Errorf("%w: the lines above name the faults. %s cannot be used", err, o.to)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("the restore was interrupted: %w: run the same command again to continue", err)
	}
	return explainBackup(err, o.from)
}
