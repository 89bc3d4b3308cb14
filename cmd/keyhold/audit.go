package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/host"
)

func auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Verify, read and prove audit logs",
		Long: `Verify, read and prove audit logs (docs/audit-log.md). With --data or --log, the commands read
files, and need no server. A server may use the log meanwhile, except for keyhold audit
verify. Without these flags, keyhold audit query, tail and prove ask a server.`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(auditVerifyCommand(), auditTailCommand(), auditQueryCommand(), auditProveCommand(),
		auditExportCommand())
	return c
}

// A logSource names logs in files, or a server that has a log.
type logSource struct {
	data   string
	files  []string
	client clientOptions
}

func (o *logSource) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.data, "data", "", "data folder that has the log")
	c.Flags().StringArrayVar(&o.files, "log", nil,
		"file with the newest lines of a log, once for each log (default: audit.log in --data)")
	o.client.own = true
	o.client.common(c.Flags().StringVar, ownEndpoints, ownRegions)
}

// asksServer reports whether the flags name no files.
func (o *logSource) asksServer() bool { return o.data == "" && len(o.files) == 0 }

// check refuses flags that name files and a server.
func (o *logSource) check() error {
	if !o.asksServer() && (o.client.endpoint != "" || o.client.region != "" || o.client.profile != "") {
		return usageError{errors.New("--endpoint-url, --region and --profile are for a server, " +
			"and --data and --log for files: give either")}
	}
	return nil
}

// only returns the only file that the flags name.
func (o *logSource) only(command string) (string, error) {
	paths := o.paths()
	if len(paths) > 1 {
		return "", usageError{fmt.Errorf("%s reads one log: give --data or --log", command)}
	}
	return paths[0], nil
}

// paths returns the files with the newest lines of the logs.
func (o *logSource) paths() []string {
	if o.data == "" {
		return o.files
	}
	return append([]string{filepath.Join(o.data, host.AuditName)}, o.files...)
}

// namedLogs reads the flags --log NAME=FILE.
func namedLogs(logs []string) (map[string]string, error) {
	files := map[string]string{}
	for _, log := range logs {
		name, path, ok := strings.Cut(log, "=")
		if !ok || name == "" || path == "" || files[name] != "" {
			return nil, usageError{errors.New("--log " + log + " is not NAME=FILE, once for each log")}
		}
		files[name] = path
	}
	return files, nil
}
