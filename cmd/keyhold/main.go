// Command keyhold is a key management server that speaks the AWS KMS API, and the tools
// for it. A file without a prefix is the command of its name; the prefix of another file
// is a command or one of these:
//
//	client    the connection of a command to a server
//	error     errors for people: exit code, cause and remedy
//	material  key material in files
//	print     output for people and for programs
//	process   the process of a server: memory, processors, limits of the system
//	server    the parts that dev and serve share
//	share     shares of custodians
//
// Some prefixes belong to tests alone:
//
//	document  documents and their examples
//	fault     servers that lose power, disk space or bits
//	golden    data folders of earlier versions
//	program   the built program as a whole
//	story     the stories in testdata
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

// These are the exit codes of the program.
const (
	exitFailed   = 1
	exitUsage    = 2 // the command line or the configuration is wrong; nothing was sent
	exitExpiring = 3 // keyhold expiring or keyhold import check found something
	exitDenied   = 4 // the server refused the credentials or the permission, or there are no credentials
	exitNotFound = 5
	exitNoNode   = 6 // this process cannot be the node of its data folder, and a restart does not help
)

// A usageError is an error in the command line.
type usageError struct{ error }

func main() {
	uuid.EnableRandPool() // the IDs of requests, events and keys are not secret
	// The first signal ends the work in order, the second one ends it at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	c := command()
	err := c.ExecuteContext(ctx)
	if err == nil {
		return
	}
	os.Exit(report(c.ErrOrStderr(), err))
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "keyhold",
		Short: "A key management server that speaks the AWS KMS API",
		Long: `A key management server that speaks the AWS KMS API, and the tools for it.

Exit codes: 0 done, 1 failed, 2 wrong command line or configuration, 3 a check found
something, 4 permission denied or no credentials, 5 not found, 6 a server cannot be the node of
its data folder.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(terminal{os.Stdout})
	root.SetErr(terminal{os.Stderr})
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	addVersionFlag(root)
	root.AddCommand(
		devCommand(), initCommand(), serveCommand(), verifyCommand(), storeCommand(), nodeCommand(), sealCommand(),
		clockCommand(), applyCommand(), identityCommand(), importCommand(), wrapCommand(), decryptOfflineCommand(),
		expiringCommand(), keyCommand(), explainCommand(), explainSignatureCommand(), witnessCommand(), versionCommand(),
		recoverCommand(), rootCredentialsCommand(), auditCommand(), doctorCommand(), configCommand(), backupCommand(),
		restoreCommand(), statusCommand(), setupCommand(),
	)
	return root
}

// noCommand rejects arguments of a command that only has subcommands.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown command %q: %s --help lists the commands", args[0], c.CommandPath())}
	}
	return nil
}

// exactly is cobra.ExactArgs with the exit code for usage errors.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s takes %d arguments, not %d: %s", c.CommandPath(), n, len(args), c.UseLine())}
		}
		return nil
	}
}
