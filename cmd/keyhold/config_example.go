package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func configExampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "example",
		Short:   "Print a settings file with all settings as comments",
		Long:    `Print a settings file that sets nothing: each setting is a comment, with its unit and its default.`,
		Example: `  keyhold config example >keyhold.toml`,
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return exampleFile(serveCommand().Flags(), nil).writeTo(c.OutOrStdout())
		},
	}
}

// exampleFile returns a settings file, in TOML, that explains all settings, and sets the settings in chosen, by flag.
func exampleFile(flags *pflag.FlagSet, chosen map[string]string) *page {
	var p page
	p.printf(`# Settings of keyhold serve (docs/configuration.md). A flag takes precedence over the environment, the environment
# over this file, and this file over the default. Lines that begin with "#" and a name set nothing.
# Check the file with keyhold config check ` + standardConfig + `
`)
	section := ""
	for _, r := range settingRows(flags) {
		if !r.setting() {
			continue
		}
		in, name, _ := strings.Cut(r.key, ".")
		if in != section {
			p.printf("\n[%s]\n", in)
			section = in
		}
		flag := flags.Lookup(r.flag)
		p.printf("\n")
		for _, line := range comment(flag.Usage) {
			p.printf("# %s\n", line)
		}
		p.printf("# %s\n", strings.Join(r.facts(flag), "; "))
		if value, ok := chosen[r.flag]; ok {
			p.printf("%s = %s\n", name, value)
		} else {
			p.printf("#%s = %s\n", name, r.example)
		}
	}
	return &p
}

// facts returns the unit and the default of a setting, and whether a running server takes a new value.
func (r settingRow) facts(flag *pflag.Flag) (facts []string) {
	if r.unit != "-" {
		facts = append(facts, "unit: "+r.unit)
	}
	if !strings.Contains(flag.Usage, "(default: ") {
		facts = append(facts, "default: "+defaultOf(flag))
	}
	facts = append(facts, fmt.Sprintf("flag --%s", r.flag), r.environment())
	if r.reload {
		return append(facts, "reloaded while the server runs")
	}
	return append(facts, "needs a restart")
}

// defaultOf returns the default of a flag.
func defaultOf(flag *pflag.Flag) string {
	switch flag.DefValue {
	case "", "[]":
		return "none"
	}
	return flag.DefValue
}

// comment returns a text as the lines of a comment.
func comment(text string) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(strings.ToUpper(text[:1]) + text[1:] + ".") {
		if len(line)+len(word) > 100 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}
