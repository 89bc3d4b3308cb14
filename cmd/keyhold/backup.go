package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/backup"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/recipients"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// backupOptions are the flags of keyhold backup.
type backupOptions struct {
	to, recipients  string
	withoutImported bool
	data, store     string
	client          clientOptions
	fips            fipsOption
	rootOptions
}

func backupCommand() *cobra.Command {
	var o backupOptions
	c := &cobra.Command{
		Use:   "backup --to FILE --recipients FILE",
		Short: "Make an encrypted backup of a deployment",
		Long: `Make a backup of a deployment, encrypted to recipients (docs/backup.md). A server
makes it while it serves: the backup has everything as of one moment. The credentials must
belong to the deployment's account, and have the permission keyhold:Backup.

The root key is not in the backup. To restore the backup, you need an identity of a recipient,
and a custody of the root key or the shares of its recovery key.

With --data or --store, the command reads the store itself, and needs the root key. No
server may use the folder of --data then; nodes may use the store of --store.

--to FILE never replaces a file. If --to is a folder, the backup gets a name with the time.
--to - writes the backup to standard output: check the exit code.`,
		Example: `  keyhold backup --to /var/backups/keyhold --recipients /etc/keyhold/recipients`,
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runBackup(c.Context(), o, c.OutOrStdout(), printer{c.ErrOrStderr()})
		},
	}
	f := c.Flags()
	f.StringVar(&o.to, "to", "", "file that does not exist yet, folder, or - for standard output")
	f.StringVar(&o.recipients, "recipients", "",
		"file with a recipient of age or HPKE, or a public key of SSH, in each line, 1 to 16 of them")
	f.BoolVar(&o.withoutImported, "without-imported-material", false,
		"leave out imported key material: after a restore, its owners import it again")
	f.StringVar(&o.data, "data", "", "data folder that no server uses")
	f.StringVar(&o.store, "store", "", "URL of the shared store of a deployment: "+sharedHelp)
	o.rootOptions.flags(f, " (default, with --data: the name of the data folder, followed by .root-key)")
	o.fips.flags(c)
	o.client.own = true
	o.client.common(f.StringVar,
		"AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL, the profile's endpoint_url, or "+devEndpoint,
		"AWS_REGION, the profile's, or "+devRegion)
	c.AddCommand(backupVerifyCommand())
	return c
}

// check rejects invalid flags, and reads the recipients.
func (o *backupOptions) check() (to []recipients.Recipient, err error) {
	switch {
	case o.to == "" || o.recipients == "":
		return nil, usageError{errors.New("keyhold backup needs --to and --recipients")}
	case o.data != "" && o.store != "":
		return nil, usageError{errors.New("--data and --store both name a deployment: give one of them")}
	case o.store != "" && !host.IsShared(o.store):
		return nil, usageError{fmt.Errorf("--store %s is not the URL of a shared store: give a folder with --data", o.store)}
	case o.store != "" && !o.given():
		return nil, usageError{errors.New("--store needs the root key: give --root-key-file or --custody")}
	case o.place() == "" && o.given():
		return nil, usageError{errors.New("a root key is for --data and --store: a server makes a backup with its own")}
	}
	file, err := readSmallFile(o.recipients)
	if err != nil {
		return nil, err
	}
	if to, err = recipients.ParseFile(file, backup.MaxRecipients); err != nil {
		return nil, usageError{fmt.Errorf("--recipients %s: %w", o.recipients, err)}
	}
	if err := errors.Join(o.fips.checkModule(), o.fips.checkRecipients(to)); err != nil || o.place() == "" {
		return to, err
	}
	if err := o.rootOptions.complete(rootKeyFileOf(o.data)); err != nil {
		return nil, err
	}
	return to, o.fips.check(o.root)
}

// place returns the store that the command reads itself, or "".
func (o backupOptions) place() string { return cmp.Or(o.data, o.store) }

func runBackup(ctx context.Context, o backupOptions, out io.Writer, progress printer) (err error) {
	to, err := o.check()
	if err != nil {
		return err
	}
	write := o.request(to, progress)
	if o.place() != "" {
		write = o.read(to, progress)
	}
	if o.to == "-" {
		_, err := write(ctx, dataWriter{out})
		return err
	}
	path, err := newBackupFile(o.to, time.Now())
	if err != nil {
		return err
	}
	made, err := writeBackupFile(path, func(w io.Writer) (backup.Outer, error) { return write(ctx, w) })
	if err != nil {
		return err
	}
	return printf(out, "backup      %s, %d bytes\nsha256      %s\nnext        keyhold backup verify %s --identity FILE\n",
		path, made.Bytes, made.SHA256, guarded.Shell(path))
}

// request returns a function that asks the server for a backup and writes it to w.
func (o backupOptions) request(
	to []recipients.Recipient, progress printer,
) func(ctx context.Context, w io.Writer) (backup.Outer, error) {
	return func(ctx context.Context, w io.Writer) (made backup.Outer, err error) {
		at, err := o.client.connect(ctx, progress)
		if err != nil {
			return made, err
		}
		in := &api.BackupRequest{}
		for _, r := range to {
			in.Recipients = append(in.Recipients, r.Text())
		}
		if o.withoutImported {
			in.WithoutImportedMaterial = new(true)
		}
		body, err := at.stream(ctx, api.TargetAdmin, "Backup", in)
		if err != nil {
			return made, err
		}
		defer body.Close()
		p := newPeriodic(time.Now())
		made, err = backup.CopyOuter(w, body, func(bytes int64) {
			p.each(func() { progress.step("Receiving", "%d MB", bytes>>20) })
		})
		switch {
		case ctx.Err() != nil:
			return made, &refusal{"Interrupted", "the backup ended before the server had sent all of it"}
		case errors.Is(err, backup.ErrNotWhole):
			err = fmt.Errorf("%w: the server ended it, and wrote the cause to its log", err)
		}
		return made, err
	}
}

// read returns a function that reads the store, and writes a backup to w.
func (o backupOptions) read(
	to []recipients.Recipient, progress printer,
) func(ctx context.Context, w io.Writer) (backup.Outer, error) {
	return func(ctx context.Context, w io.Writer) (made backup.Outer, err error) {
		if err := harden(); err != nil {
			return made, err
		}
		if !host.HasStore(o.place()) {
			return made, o.explain(records.ErrNotInitialised)
		}
		from, err := host.ReadStore(ctx, o.place())
		defer func() { err = errors.Join(err, from.Close()) }()
		if err != nil {
			return made, o.explain(err)
		}
		root, err := o.openRoot()
		if err != nil {
			return made, o.explain(err)
		}
		keyring, err := records.OpenKeyring(ctx, from.Backend, root, false)
		if err != nil {
			return made, o.explain(err)
		}
		p := newPeriodic(time.Now())
		counted := backup.NewCounter(w)
		_, err = backup.Make(ctx, backup.Source{
			Backend: from.Backend, Slots: from.Slots, Keyring: keyring, Shared: from.Shared, Program: programVersion(),
			Offline: true, ApprovedOnly: o.fips.on,
		}, backup.Options{
			Recipients: to, WithoutImported: o.withoutImported, Now: time.Now(),
			Page: func(ctx context.Context, records int64) error {
				p.each(func() { progress.step("Reading", "%d records", records) })
				return ctx.Err()
			},
		}, counted)
		return counted.Outer(), err
	}
}

// explain adds the remedy to an error from opening the store.
func (o backupOptions) explain(err error) error {
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%s is in use by a server, which can make the backup itself: leave out --data, and name the "+
			"server with --endpoint-url", o.data)
	}
	return explainOpen(err, o.place(), o.root)
}
