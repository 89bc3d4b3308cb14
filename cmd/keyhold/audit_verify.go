package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/keyhold/keyhold/internal/anchor"
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
	anchor string
	logs   []string
}

func auditVerifyCommand() *cobra.Command {
	var o auditVerifyOptions
	c := &cobra.Command{
		Use:   "verify --data DIR [--log NAME=FILE] [--verifier-key KEY]",
		Short: "Read whole audit logs, and name each line that was edited",
		Long: `Read every line of all audit logs that the deployment has ever had, and name each line that
was changed, deleted, inserted or moved. The exit code is 1 if a line was edited. The
command writes nothing. No server may use the store or the logs meanwhile.

The store lists all logs. --data has the log of this server; name the logs of other nodes
with --log, by the last part of their origin. With --verifier-key, the command reads the log
in --data alone, and needs neither the store nor the root key. Then it cannot verify the
chain, so it does not find edits after the last checkpoint.

With --anchor, the command also compares the logs with the checkpoints in the file of an
anchor: it finds logs that were replaced by older copies.`,
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
	c.Flags().StringVar(&o.anchor, "anchor", "", "file of the anchor of the logs (keyhold serve --audit-anchor file:FILE)")
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
	r := integrity.LogReport{Verification: v, Origin: verifier.Name(), Public: o.public, Path: path}
	if err := o.finish(out, r, report); err != nil {
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
			err = errors.Join(err, o.finish(out, r, report))
		}
		if len(all) == 0 && err == nil {
			err = errors.New("no audit log has a key yet: start a server of this version once")
		}
		return err
	})
}

// finish compares a log with its anchor, and prints the result of its verification.
func (o auditVerifyOptions) finish(out io.Writer, r integrity.LogReport, report func(string, audit.Finding)) error {
	if o.anchor == "" {
		return printVerified(out, r)
	}
	kept, err := anchor.Read(o.anchor)
	if err != nil {
		return fmt.Errorf("--anchor: %w", err)
	}
	verifier, err := note.NewVerifier(r.Public)
	if err != nil {
		return err
	}
	log, err := audit.OpenFolder(r.Path)
	if err != nil {
		return err
	}
	found := false
	for _, k := range kept {
		if k.Origin != r.Origin {
			continue
		}
		found = true
		if err := k.Check(anchor.Log{Verifier: verifier, Reader: log}); err != nil {
			r.Findings++
			report(r.Origin, audit.Finding{Err: fmt.Errorf("the checkpoint of %d lines in the anchor: %w", k.Size, err)})
		} else {
			r.Anchored = k.Size
		}
	}
	if !found {
		r.Findings++
		report(r.Origin, audit.Finding{Err: fmt.Errorf("%s has no checkpoint of this log", o.anchor)})
	}
	return printVerified(out, r)
}

// printVerified prints the result of the verification of a log.
func printVerified(out io.Writer, r integrity.LogReport) error {
	var p page
	p.printf("log         %s\npublic key  %s\nfile        %s\nlines       %d, from %d; chain of %d verified\n",
		r.Origin, r.Public, r.Path, r.Size, r.First, r.Chained)
	p.printf("checkpoint  of %d lines; %d lines are newer\n", r.Checkpoint.Size, r.Size-r.Checkpoint.Size)
	if r.Anchored > 0 {
		p.printf("anchor      of %d lines; %d lines are newer\n", r.Anchored, r.Size-r.Anchored)
	}
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
