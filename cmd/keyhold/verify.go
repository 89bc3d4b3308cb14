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
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
)

func verifyCommand() *cobra.Command {
	var data, rootKeyFile string
	c := &cobra.Command{
		Use:   "verify --data DIR",
		Short: "Check a whole data folder, and repair nothing",
		Long: `Check a whole data folder while no server uses it: every page of the database, every
record, every seal, every index, the slots and the audit log. Each fault is printed on
a line of its own, and names what is damaged. The exit code is 1 if the check finds a
fault. Nothing is written, so the folder may be on a read-only medium.`,
		Example: "  keyhold verify --data /var/lib/keyhold --root-key-file /etc/keyhold/root.key",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runVerify(c.Context(), data, rootKeyFile, c.OutOrStdout())
		},
	}
	dataFlags(c, &data, &rootKeyFile)
	needData := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if data != "" && rootKeyFile == "" {
			rootKeyFile = rootKeyFileOf(data)
		}
		return needData(c, args)
	}
	return c
}

func runVerify(ctx context.Context, data, rootKeyFile string, out io.Writer) (err error) {
	if !host.HasDatabase(data) {
		return explainOpen(records.ErrNotInitialised, data, rootKeyFile)
	}
	if err := harden(); err != nil {
		return err
	}
	v := &verification{out: out, data: data}
	defer func() { err = errors.Join(err, v.close()) }()
	err = v.run(ctx, rootKeyFile)
	if _, corrupt := errors.AsType[*store.CorruptError](err); err != nil && !corrupt {
		return explainOpen(err, data, rootKeyFile)
	}
	if err != nil {
		for _, problem := range unjoin(err) {
			v.report(problem.Error())
		}
	}
	if v.findings > 0 {
		return fmt.Errorf(
			"findings in %s: %d; nothing was changed: restore the newest backup of the whole folder that keyhold verify "+
				"finds sound", data, v.findings)
	}
	return printf(out, "%s is sound\n", data)
}

// A verification checks one data folder.
type verification struct {
	out      io.Writer
	data     string
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

// run returns an error if it could not check the folder, or if the damage makes a further check
// unsafe, because bbolt would loop forever on some pages.
func (v *verification) run(ctx context.Context, rootKeyFile string) error {
	root, err := seal.OpenKeyFile(rootKeyFile)
	if err != nil {
		return err
	}
	db, err := local.OpenReadOnly(v.data)
	if err != nil {
		return err
	}
	v.opened = append(v.opened, db)
	if err := db.Check(ctx); err != nil {
		return err
	}
	slots, err := local.OpenSlotsReadOnly(v.data)
	if err != nil {
		return err
	}
	v.opened = append(v.opened, slots)
	log, err := v.log()
	if err != nil {
		return err
	}
	s, err := integrity.Verify(ctx, integrity.Remains{Backend: db, Slots: slots, Root: root, Log: log},
		func(f integrity.Finding) { v.report(f.String()) })
	if err != nil {
		return err
	}
	v.summarise(s, rootKeyFile)
	return nil
}

// log returns the audit log. A missing log is a finding, because only the log shows whether the
// database is an old copy.
func (v *verification) log() (*io.SectionReader, error) {
	f, err := os.Open(filepath.Join(v.data, host.AuditName))
	if errors.Is(err, os.ErrNotExist) {
		v.report(err.Error())
		return io.NewSectionReader(strings.NewReader(""), 0, 0), nil
	}
	if err != nil {
		return nil, err
	}
	v.opened = append(v.opened, f)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(f, 0, info.Size()), nil
}

func (v *verification) summarise(s integrity.Summary, rootKeyFile string) {
	printf(v.out, "root key    %s\nrevision    %d\nrecords    ", rootKeyFile, s.Revision)
	for _, table := range slices.Sorted(maps.Keys(s.Records)) {
		printf(v.out, " %s %d", table, s.Records[table])
	}
	printf(v.out, "\nopened      %d materials, %d token keys\naudit log   %d events\n", s.Materials, s.TokenKeys, s.Events)
	for _, note := range s.Notes {
		printf(v.out, "note        %s\n", note)
	}
}
