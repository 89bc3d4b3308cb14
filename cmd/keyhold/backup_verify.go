package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/backup"
	"github.com/keyhold/keyhold/internal/seal"
)

// backupKeys are the flags that open a backup: identities of its recipients, and the root key.
type backupKeys struct {
	identities []string
	rootOptions
}

func backupVerifyCommand() *cobra.Command {
	var o backupKeys
	c := &cobra.Command{
		Use:   "verify FILE [--identity FILE]",
		Short: "Check a backup",
		Long: `Check a backup. Without an identity, the command checks the outer form of the file, and the
SHA-256 in its last line. So it finds damage and a missing end, but not a forgery.

With --identity, it decrypts the backup and checks that every part is there. With
--root-key-file or --custody in addition, it opens every record and all key material, and
checks that the deployment made the backup: everybody can encrypt to the recipients, but
nobody else has the data keys.`,
		Example: "  keyhold backup verify keyhold-20261130T020000Z.backup --identity identity.txt",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.verify(c.Context(), args[0], c.OutOrStdout(), printer{c.ErrOrStderr()})
		},
	}
	o.flags(c)
	return c
}

func (o *backupKeys) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&o.identities, "identity", nil,
		"file of identities of age or HPKE, or a private key of SSH, that opens the backup; repeat the flag for each")
	o.rootOptions.flags(c.Flags(), " of the deployment")
}

func (o *backupKeys) verify(ctx context.Context, path string, out io.Writer, progress printer) error {
	if err := o.complete(""); err != nil {
		return err
	}
	if len(o.identities) == 0 {
		if o.given() {
			return usageError{errors.New("a root key opens the records of a decrypted backup: give --identity too")}
		}
		f, err := backup.OpenOuter(path)
		if err != nil {
			return explainBackup(err, path)
		}
		defer f.Close()
		return printf(out,
			"%s has its whole outer form\nsha256      %s\nnot checked the encrypted content: give --identity\n",
			path, f.SHA256)
	}
	f, keyring, err := o.open(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := f.Check(ctx, keyring, showRecords(progress, "Verifying"))
	if err != nil {
		return explainBackup(err, path)
	}
	var p page
	p.printf("%s is sound\n", path)
	describeBackup(&p, f.Header, s)
	if !s.Proved {
		p.printf("not checked the sealed records, and which deployment made the backup: give --root-key-file or --custody\n")
	}
	return p.writeTo(out)
}

// open opens a backup and, if the root key is given, its keyring. The caller closes the backup.
func (o *backupKeys) open(ctx context.Context, path string) (f *backup.File, keyring *seal.Keyring, err error) {
	if err := harden(); err != nil {
		return nil, nil, err
	}
	given := givenShares{identities: o.identities}
	identities, err := given.readIdentities()
	if err != nil {
		return nil, nil, err
	}
	if f, err = backup.Open(path, identities); err != nil {
		return nil, nil, explainBackup(err, path)
	}
	if !o.given() && o.made == nil {
		return f, nil, nil
	}
	root, err := o.openRoot()
	if err == nil {
		keyring, err = seal.OpenKeyring(ctx, root, f.Header.Keyring)
	}
	if errors.Is(err, seal.ErrWrongRoot) {
		err = fmt.Errorf("the root key in %s does not open the backup %s: %w; give the custody that the deployment had when "+
			"the backup was made", rootName(o.root), path, err)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, keyring, nil
}

func describeBackup(p *page, h backup.Header, s backup.Summary) {
	p.printf("deployment  %s, account %s\nmade        %s, revision %d, by version %s\n",
		h.Deployment, h.Account, h.Time.Format(time.RFC3339), h.Revision, h.Program)
	p.printf("contains    %d records, %d secrets of slots\n", s.Trailer.Records, s.Slots)
	if s.Proved {
		p.printf("opened      %d materials, %d token keys\n", s.Materials, s.TokenKeys)
	}
	switch {
	case h.WithoutImported:
		p.printf("left out    imported key material\n")
	case s.Missing > 0:
		p.printf("left out    %d materials that were erased while the backup was made\n", s.Missing)
	}
}

// showRecords returns a function that shows a number of records, at most once a second.
func showRecords(progress printer, what string) func(int64) {
	p := newPeriodic(time.Now())
	return func(n int64) { p.each(func() { progress.step(what, "%d records", n) }) }
}

// explainBackup adds the remedy to an error from reading a backup.
func explainBackup(err error, path string) error {
	switch {
	case errors.Is(err, backup.ErrNotBackup):
		return fmt.Errorf("%s: %w: give a file that keyhold backup made", path, err)
	case errors.Is(err, backup.ErrNewerFormat):
		return fmt.Errorf("%s: %w: use that version", path, err)
	case errors.Is(err, backup.ErrNotWhole), errors.Is(err, backup.ErrDamaged):
		return fmt.Errorf("%s: %w: copy it again from where it is kept, or use another backup", path, err)
	case errors.Is(err, backup.ErrWrongIdentity):
		return fmt.Errorf("%s: %w: give an identity of one of its recipients with --identity", path, err)
	}
	return err
}
