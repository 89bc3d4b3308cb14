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
		Long: `Verify, read and prove audit logs (docs/audit-log.md). The commands read files, and need no
server. A server may use the log meanwhile, except for keyhold audit verify.`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(auditVerifyCommand(), auditTailCommand(), auditQueryCommand(), auditProveCommand(),
		auditExportCommand())
	return c
}

// logOptions name the logs that a command reads.
type logOptions struct {
	data  string
	files []string
}

func (o *logOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.data, "data", "", "data folder that has the log")
	c.Flags().StringArrayVar(&o.files, "log", nil,
		"file with the newest lines of a log, once for each log (default: audit.log in --data)")
}

// paths returns the files with the newest lines of the logs.
func (o *logOptions) paths(command string) ([]string, error) {
	all := o.files
	if o.data != "" {
		all = append([]string{filepath.Join(o.data, host.AuditName)}, all...)
	}
	if len(all) == 0 {
		return nil, usageError{fmt.Errorf("%s needs --data DIR or --log FILE", command)}
	}
	return all, nil
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
