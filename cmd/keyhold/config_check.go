package main

import (
	"cmp"
	"errors"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func configCheckCommand() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a settings file as keyhold serve does",
		Long: `Check a settings file, the environment, and the files of certificates as keyhold serve
does. Every fault is reported with its line. The command also takes the flags of keyhold
serve. Without FILE, it checks the file of --config or KEYHOLD_CONFIG, or else
` + standardConfig + `. It does not open the data.`,
		Example: `  keyhold config check /etc/keyhold/keyhold.toml`,
		Args:    atMostOneFile,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := o.secure()
			_, device := o.devices.forwardOptions()
			if err := o.config.locate(errors.Join(err, device)); err != nil {
				return err
			}
			return printf(c.OutOrStdout(), "%s has no faults.\n", cmp.Or(o.config.file.Name, "The configuration"))
		},
	}
	o.fileFlags(c)
	return c
}

// fileFlags adds the flags of keyhold serve to a command with a settings file as its argument. The help does not show
// them.
func (o *serveOptions) fileFlags(c *cobra.Command) {
	o.flags(c)
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = f.Name != configFlag })
	c.PreRunE = func(_ *cobra.Command, args []string) error {
		return errors.Join(o.nameFile(c, args), o.complete(c))
	}
}

// nameFile chooses the settings file.
func (o *serveOptions) nameFile(c *cobra.Command, args []string) error {
	given := c.Flags().Lookup(configFlag)
	switch {
	case len(args) == 1 && given.Changed:
		return usageError{errors.New("the argument and --config both name a settings file: give one of them")}
	case len(args) == 1:
		return given.Value.Set(args[0])
	case !given.Changed && os.Getenv("KEYHOLD_CONFIG") == "":
		return given.Value.Set(standardConfig)
	}
	return nil
}

// atMostOneFile accepts the arguments of commands that read a settings file.
func atMostOneFile(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{errors.New(c.CommandPath() + " takes one settings file: give the others to commands of their own")}
	}
	return nil
}
