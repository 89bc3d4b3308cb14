package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/fips"
	"github.com/keyhold/keyhold/internal/recipients"
	"github.com/keyhold/keyhold/internal/service"
)

// fipsOption is the flag of FIPS mode.
type fipsOption struct{ on bool }

func (o *fipsOption) flags(c *cobra.Command) {
	c.Flags().BoolVar(&o.on, "fips", false,
		"allow approved algorithms only, with the program that make fips builds")
}

// flag returns the flag for another command, with a space before it.
func (o fipsOption) flag() string {
	if o.on {
		return " --fips"
	}
	return ""
}

// check refuses FIPS mode if the program does not have the module, or if the custody is not allowed.
func (o fipsOption) check(root custody.Spec) error {
	if err := o.checkModule(); err != nil || !o.on {
		return err
	}
	if err := fips.CheckCustody(root.Kind); err != nil {
		return usageError{err}
	}
	return nil
}

// checkModule refuses FIPS mode if the program does not have the module.
func (o fipsOption) checkModule() error {
	if !o.on {
		return nil
	}
	if err := fips.CheckModule(); err != nil {
		return usageError{err}
	}
	return nil
}

// checkRecipients refuses recipients whose files do not use approved algorithms.
func (o fipsOption) checkRecipients(all []recipients.Recipient) error {
	for _, r := range all {
		if o.on && !r.Approved() {
			return usageError{fmt.Errorf("files for %s are files of age, which --fips does not allow: give recipients that "+
				"keyhold recover identity makes (docs/recipients.md)", r.Name)}
		}
	}
	return nil
}

// checkMaterial refuses key specs and wrapping algorithms that are not approved. "" is not checked.
func (o fipsOption) checkMaterial(keySpec string, algorithm byok.Algorithm) error {
	switch {
	case !o.on:
		return nil
	case keySpec != "" && !fips.Algorithm(keySpec):
		return usageError{fmt.Errorf("keys of the spec %s are not allowed with --fips (docs/fips.md)", keySpec)}
	case algorithm != "" && !fips.Algorithm(string(algorithm)):
		return usageError{fmt.Errorf("%s is not allowed with --fips: take --wrapping-algorithm %s, which wraps all but "+
			"private keys of RSA (docs/fips.md)", algorithm, byok.RSAESOAEPSHA256)}
	}
	return nil
}

// restrict makes the service refuse algorithms that are not approved.
func (o fipsOption) restrict(c *service.Config, log *slog.Logger) {
	if o.on {
		c.Approved = fips.Algorithm
		log.Info("FIPS mode: algorithms that are not approved are refused", "module", fips.Module())
	}
}
