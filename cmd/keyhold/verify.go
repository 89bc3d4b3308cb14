package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
)

func verifyCommand() *cobra.Command {
	var p place
	c := &cobra.Command{
		Use:   "verify --data DIR [--store URL]",
		Short: "Check a whole deployment, and repair nothing",
		Long: `Check a whole data folder while no server uses it: every page of the database, every
record, every seal, every index, the slots and the audit log. Each fault is printed on
a line of its own, and names the damaged part. The exit code is 1 if the check finds a
fault. Nothing is written, so the folder may be on a read-only medium.

With --store URL, check every record, seal, index and slot in a shared store while all
nodes are stopped, and the audit log of the node whose folder is --data.`,
		Example: "  keyhold verify --data /var/lib/keyhold --root-key-file /etc/keyhold/root.key",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runVerify(c.Context(), p, c.OutOrStdout())
		},
	}
	p.flags(c)
	complete := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if p.data != "" && !p.given() {
			p.keyFile = rootKeyFileOf(p.data)
		}
		return complete(c, args)
	}
	return c
}

func runVerify(ctx context.Context, p place, out io.Writer) (err error) {
	if !p.shared() && !host.HasDatabase(p.data) {
		return p.explain(records.ErrNotInitialised)
	}
	if err := harden(); err != nil {
		return err
	}
	v := &verification{place: p, out: out}
	defer func() { err = errors.Join(err, v.close()) }()
	err = v.run(ctx)
	if _, corrupt := errors.AsType[*store.CorruptError](err); err != nil && !corrupt {
		return p.explain(err)
	}
	if err != nil {
		for _, problem := range unjoin(err) {
			v.report(problem.Error())
		}
	}
	if v.findings > 0 {
		return fmt.Errorf(
			"findings in %s: %d; nothing was changed: restore the newest backup of the whole %s that keyhold verify "+
				"finds sound", p.name(), v.findings, p.kind())
	}
	return printf(out, "%s is sound\n", p.name())
}

// A verification checks one deployment.
type verification struct {
	place
	out      io.Writer
	findings int
	opened   []io.Closer
}

// report prints a finding.
func (v *verification) report(problem string) {
	v.findings++
	printf(v.out, "%s\n", problem)
}

func (v *verification) close() error {
	var errs []error
	for _, c := range slices.Backward(v.opened) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// run returns an error if it could not check the deployment, or if the damage makes a further check
// unsafe, because bbolt would loop forever on some pages.
func (v *verification) run(ctx context.Context) error {
	root, err := v.openRoot()
	if err != nil {
		return err
	}
	backend, slots, err := v.openStore(ctx)
	if err != nil {
		return err
	}
	node, err := v.node()
	if err != nil {
		return err
	}
	s, err := integrity.Verify(ctx, integrity.Remains{
		Backend: backend, Slots: slots, Root: root, LogPath: filepath.Join(v.data, host.AuditName), Node: node,
	}, func(f integrity.Finding) { v.report(f.String()) })
	if err != nil {
		return err
	}
	v.summarise(s)
	return nil
}

func (v *verification) openStore(ctx context.Context) (store.Backend, store.Slots, error) {
	if v.shared() {
		return v.openShared(ctx)
	}
	db, err := local.OpenReadOnly(v.data)
	if err != nil {
		return nil, nil, err
	}
	v.opened = append(v.opened, db)
	if err := db.Check(ctx); err != nil {
		return nil, nil, err
	}
	slots, err := local.OpenSlotsReadOnly(v.data)
	if err != nil {
		return nil, nil, err
	}
	v.opened = append(v.opened, slots)
	return db, slots, nil
}

// openShared opens a store that several nodes share. All must be stopped: a slot can be erased after its record was
// read.
func (v *verification) openShared(ctx context.Context) (store.Backend, store.Slots, error) {
	s, err := host.ReadStore(ctx, v.store)
	v.opened = append(v.opened, s)
	if err != nil {
		return nil, nil, err
	}
	err = s.Backend.View(ctx, func(r store.Reader) error {
		node, err := records.ServingNode(r)
		if err == nil && node != "" {
			err = fmt.Errorf("node %s uses %s: stop all nodes, and run the command again", node, v.store)
		}
		return err
	})
	return s.Backend, s.Slots, err
}

// node returns the ID of the node whose folder is checked, or "" for the only node of a store.
func (v *verification) node() (string, error) {
	if !v.shared() {
		return "", nil
	}
	id, err := host.NodeID(v.data)
	if errors.Is(err, fs.ErrNotExist) {
		v.report(err.Error())
		err = nil
	}
	return id, err
}

func (v *verification) summarise(s integrity.Summary) {
	printf(v.out, "root key    %s\nrevision    %d\nrecords    ", rootName(v.root), s.Revision)
	for _, table := range slices.Sorted(maps.Keys(s.Records)) {
		printf(v.out, " %s %d", table, s.Records[table])
	}
	printf(v.out, "\nopened      %d materials, %d token keys\naudit log   %d events\n", s.Materials, s.TokenKeys, s.Events)
	for _, note := range s.Notes {
		printf(v.out, "note        %s\n", note)
	}
}
