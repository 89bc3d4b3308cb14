package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/cloudtrail"
	"github.com/keyhold/keyhold/internal/host"
)

// auditExportOptions are the flags of keyhold audit export.
type auditExportOptions struct{ format, out, from, until string }

func auditExportCommand() *cobra.Command {
	o := auditExportOptions{}
	c := &cobra.Command{
		Use:   "export [flags] LOG...",
		Short: "Write audit logs in the form of CloudTrail",
		Long: `Write audit logs in the form of CloudTrail, for programs that read its log files. A LOG is
a data folder, or the file audit.log of a node. Give the logs of all nodes of a deployment:
an event that two of them have is written once. The logs may be in use.

Without --out, each event is a line on standard output. With --out, the events are in
compressed files with the names of CloudTrail, by account, Region and day. The command
does not verify the logs.`,
		Example: `  keyhold audit export /var/lib/keyhold --out /tmp/trail
  keyhold audit export node-1/audit.log node-2/audit.log --from 2026-11-01T00:00:00Z`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s needs at least one LOG: %s", c.CommandPath(), c.UseLine())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return runAuditExport(c.Context(), o, args, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&o.format, "format", "cloudtrail", "form of the events: cloudtrail")
	c.Flags().StringVar(&o.out, "out", "", "folder for compressed files")
	c.Flags().StringVar(&o.from, "from", "", "time of the first events, as 2026-11-30T12:00:00Z")
	c.Flags().StringVar(&o.until, "until", "", "time before which events end")
	return c
}

// period parses the times of the flags.
func (o auditExportOptions) period() (p cloudtrail.Period, err error) {
	for _, f := range []struct {
		name, text string
		t          *time.Time
	}{{"--from", o.from, &p.From}, {"--until", o.until, &p.Until}} {
		if f.text == "" {
			continue
		}
		if *f.t, err = time.Parse(time.RFC3339, f.text); err != nil {
			return p, usageError{fmt.Errorf("%s: %q is not a time: write it as 2026-11-30T12:00:00Z", f.name, f.text)}
		}
	}
	return p, nil
}

func runAuditExport(ctx context.Context, o auditExportOptions, paths []string, out, log io.Writer) error {
	if o.format != "cloudtrail" {
		return usageError{fmt.Errorf("--format %q is not a form: give cloudtrail", o.format)}
	}
	p, err := o.period()
	if err != nil {
		return err
	}
	logs, err := openLogs(paths)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	sink := cloudtrail.Lines(buffered)
	if o.out != "" {
		sink = cloudtrail.Folder(o.out)
	}
	result, err := cloudtrail.Export(ctx, logs, p, sink)
	if err := errors.Join(err, buffered.Flush()); err != nil {
		return err
	}
	printer{log}.step("Exported", "%d events of %d logs", result.Exported, len(logs))
	if result.Doubles > 0 {
		printer{log}.more("%d events were in two logs", result.Doubles)
	}
	return nil
}

// openLogs opens the logs of nodes, each once.
func openLogs(paths []string) (logs []cloudtrail.Log, err error) {
	seen := map[string]bool{}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, host.AuditName)
		}
		whole, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		if seen[whole] {
			return nil, usageError{fmt.Errorf("%s is given twice", path)}
		}
		seen[whole] = true
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("the audit log: %w", err)
		}
		folder, err := audit.OpenFolder(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		logs = append(logs, cloudtrail.Log{Name: path, Reader: folder})
	}
	return logs, nil
}
