package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/console"
)

// consoleOptions are the flags of keyhold serve and keyhold dev for the console.
type consoleOptions struct {
	on      bool
	issuers []string
}

func (o *consoleOptions) flags(c *cobra.Command, on bool) {
	c.Flags().BoolVar(&o.on, "console", on, "serve the console, a page for browsers, at "+console.Path)
	c.Flags().StringSliceVar(&o.issuers, "console-issuers", nil,
		"OIDC providers that users of the console can sign in with, as CLIENT_ID@https://ISSUER; other origins of their "+
			"endpoints follow after spaces")
}

// check rejects invalid flags before anything is opened.
func (o consoleOptions) check() error {
	_, err := o.parse()
	return err
}

func (o consoleOptions) parse() (list []console.Issuer, err error) {
	if len(o.issuers) > 0 && !o.on {
		return nil, usageError{fmt.Errorf("--console-issuers is for a server with a console: add --console")}
	}
	for _, text := range o.issuers {
		i, err := console.ParseIssuer(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("--console-issuers: %w", err)}
		}
		list = append(list, i)
	}
	return list, nil
}

// site returns the console, or nil without one. c has the settings that are not flags.
func (o consoleOptions) site(c console.Config) (site *console.Site, err error) {
	if !o.on {
		return nil, nil
	}
	c.Remedies = consoleRemedies()
	if c.Issuers, err = o.parse(); err != nil {
		return nil, err
	}
	return console.New(c)
}

// consoleRemedies returns the table of remedies for the page.
func consoleRemedies() (all []console.Remedy) {
	for line := range strings.Lines(remedies) {
		if r, ok := parseRemedy(line); ok {
			all = append(all, console.Remedy{Code: r.code, Part: r.part, Why: r.why, Do: r.do})
		}
	}
	return all
}
