package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/host"
)

// make makes the files and folders that do not exist. It writes the settings file last, so an attempt that failed can
// be repeated.
func (o *setupOptions) make(ctx context.Context, c *cobra.Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, folder := range []string{filepath.Dir(o.config), filepath.Dir(o.data), filepath.Dir(o.root)} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	if o.makeCert {
		if err := o.makeCertificate(); err != nil {
			return err
		}
	}
	if host.HasDatabase(o.data) {
		if err := printf(o.out, "%s has a deployment already.\n", o.data); err != nil {
			return err
		}
	} else if err := o.init(ctx, c); err != nil {
		return err
	}
	if err := o.giveToUser(); err != nil {
		return err
	}
	if !o.done {
		if err := replaceFile(o.config, []byte(o.settings()), 0o644); err != nil {
			return err
		}
	}
	return printf(o.out, "\nThe settings are in %s. To start the server:\n  %s\n", o.config, o.serveLine())
}

// init makes the deployment.
func (o *setupOptions) init(ctx context.Context, c *cobra.Command) error {
	i := initOptions{account: o.account, regions: o.regions}
	i.data, i.keyFile = o.data, o.root
	if err := i.complete("keyhold setup"); err != nil {
		return err
	}
	return runInit(ctx, i, o.out, c.ErrOrStderr())
}

// makeCertificate makes the certificate of the server, unless its files exist, and prints its fingerprint.
func (o *setupOptions) makeCertificate() error {
	return newCertificate{o.name, o.cert, o.key, o.beside("authority.pem")}.make(o.out)
}
