package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/service"
)

// limits are the rates and quotas from flags, which replace defaults.
type limits struct{ rates, quotas map[string]int }

func (l *limits) flags(c *cobra.Command) {
	c.Flags().StringToIntVar(&l.rates, "rate", nil,
		"requests per second and principal, as CLASS=N separated by commas; 0 means unlimited (docs/api.md)")
	c.Flags().StringToIntVar(&l.quotas, "quota", nil,
		"quotas, such as keys=1000, separated by commas; 0 means unlimited (docs/api.md)")
}

// check rejects unknown names and negative numbers.
func (l *limits) check() error {
	if err := checkLimits("--rate", "a class of operations", l.rates, service.DefaultRates()); err != nil {
		return err
	}
	return checkLimits("--quota", "a quota", l.quotas, service.DefaultQuotas())
}

func checkLimits(flag, what string, given, known map[string]int) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := known[name]; !ok {
			names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
			return usageError{fmt.Errorf("%s: %q is not %s: give one of %s", flag, name, what, names)}
		}
		if given[name] < 0 {
			return usageError{fmt.Errorf(
				"%s: %s=%d is negative: give a positive number, or 0 for no limit", flag, name, given[name])}
		}
	}
	return nil
}

// effective returns the rates and the quotas of a server.
func (l *limits) effective() (rates, quotas map[string]int) {
	return overlay(service.DefaultRates(), l.rates), overlay(service.DefaultQuotas(), l.quotas)
}

// overlay replaces defaults by the given values.
func overlay(defaults, given map[string]int) map[string]int {
	maps.Copy(defaults, given)
	return defaults
}
