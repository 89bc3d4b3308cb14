package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// auditVerifyOptions are the flags of keyhold audit verify.
type auditVerifyOptions struct {
	place
	public string
	logs   []string
}

func auditVerifyCommand() *cobra.Command {
	var o auditVerifyOptions
	c := &cobra.Command{
		Use:   "verify --data DIR [--log NAME=FILE] [--verifier-key KEY]",
		Short: "Read whole audit logs, and name each line that was edited",
		Long: `Read every line of all audit logs that the deployment has ever had, and name each line that
was changed, deleted, inserted or moved. The exit code is 1 if there is one. Nothing is
written. No server may use the store or the logs.

The store lists all logs. --data has the log of this server; name the logs of other nodes
with --log, by the last part of their origin. With --verifier-key, the command reads the log
in --data alone, and needs neither the store nor the root key. Then it cannot verify the
chain, so it does not find edits after the last checkpoint.`,
		Example: `  keyhold audit verify --data /var/lib/keyhold --root-key-file /etc/keyhold/root.key
  keyhold audit verify --data copy \
    --verifier-key keyhold/prod/this+6bfe8ddb+AW8VgXCbt7HvAw0hDbGOOwuhx3b7pl2M2q0FQVFC0Yn4`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runAuditVerify(c.Context(), o, c.OutOrStdout())
		},
	}
	o.place.flags(c)
	complete := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if o.data != "" && !o.given() {
			o.keyFile = rootKeyFileOf(o.data)
		}
		return complete(c, args)
	}
	c.Flags().StringVar(&o.public, "verifier-key", "",
		"public key of the log, as keyhold init showed it; the store is not read")
	c.Flags().StringArrayVar(&o.logs, "log", nil, "NAME=FILE: file with the newest lines of the log of another node")
	return c
}

func runAuditVerify(ctx context.Context, o auditVerifyOptions, out io.Writer) (err error) {
	findings := 0
	report := func(origin string, f audit.Finding) {
		findings++
		printf(out, "%s: %s\n", origin, f.String())
	}
	if o.public != "" {
		err = verifyWithPublicKey(ctx, o, out, report)
	} else {
		err = o.verifyListed(ctx, out, report)
	}
	if err == nil && findings > 0 {
		err = fmt.Errorf("findings in the audit logs: %d", findings)
	}
	return err
}

func verifyWithPublicKey(
	ctx context.Context, o auditVerifyOptions, out io.Writer, report func(string, audit.Finding),
) error {
	verifier, err := note.NewVerifier(o.public)
	if err != nil {
		return usageError{fmt.Errorf("--verifier-key: %w", err)}
	}
	path := filepath.Join(o.data, host.AuditName)
	v, err := audit.Verify(ctx, audit.VerifyConfig{
		Path: path, Verifier: verifier, Report: func(f audit.Finding) { report(verifier.Name(), f) },
	})
	if err != nil {
		return err
	}
	if err := printVerified(out, integrity.LogReport{Verification: v, Origin: verifier.Name(), Path: path}); err != nil {
		return err
	}
	return printf(out, "note        the chain was not verified, because that needs the store and the root key\n")
}

// verifyListed verifies the logs that the store lists.
func (o auditVerifyOptions) verifyListed(
	ctx context.Context, out io.Writer, report func(string, audit.Finding),
) (err error) {
	if !o.shared() && !host.HasDatabase(o.data) {
		return o.explain(records.ErrNotInitialised)
	}
	files, err := namedLogs(o.logs)
	if err != nil {
		return err
	}
	if err := harden(); err != nil {
		return err
	}
	v := &verification{place: o.place, out: out}
	defer func() { err = errors.Join(err, v.close()) }()
	node, err := v.node()
	if err != nil {
		return err
	}
	root, err := v.openRoot()
	if err != nil {
		return o.explain(err)
	}
	backend, _, err := v.openStore(ctx)
	if err != nil {
		return o.explain(err)
	}
	keyring, err := records.OpenKeyring(ctx, backend, root, false)
	if err != nil {
		return o.explain(err)
	}
	return store.New(backend, keyring.Records()).View(ctx, func(view *store.View) error {
		own, err := integrity.LogOf(view, node)
		if err != nil {
			return err
		}
		if files[own] == "" {
			files[own] = filepath.Join(o.data, host.AuditName)
		}
		all, err := integrity.VerifyLogs(ctx, view, files, report)
		for _, r := range all {
			err = errors.Join(err, printVerified(out, r))
		}
		if len(all) == 0 && err == nil {
			err = errors.New("no audit log has a key yet: start a server of this version once")
		}
		return err
	})
}

// printVerified prints the result of the verification of a log.
func printVerified(out io.Writer, r integrity.LogReport) error {
	var p page
	p.printf("log         %s\nfile        %s\nlines       %d, from %d; chain of %d verified\n",
		r.Origin, r.Path, r.Size, r.First, r.Chained)
	p.printf("checkpoint  of %d lines; %d lines are newer\n", r.Checkpoint.Size, r.Size-r.Checkpoint.Size)
	if r.Torn > 0 {
		p.printf("note        %d bytes at the end were torn: the next start removes them\n", r.Torn)
	}
	if r.Missing > 0 {
		p.printf("note        tiles are missing: %d; a server makes them again if it needs them\n", r.Missing)
	}
	if r.Findings == 0 {
		p.printf("            sound\n")
	}
	return p.writeTo(out)
}
