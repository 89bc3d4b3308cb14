package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func configExplainCommand() *cobra.Command {
	var o serveOptions
	var out output
	c := &cobra.Command{
		Use:   "explain [FILE]",
		Short: "Print each setting, and where its value is from",
		Long: `Print each setting of keyhold serve, and where its value is from: a flag, a variable of the
environment, a line of the settings file, or the default. The command also takes the flags
of keyhold serve. Without FILE, it reads the file of --config or KEYHOLD_CONFIG, or else
` + standardConfig + `. Passwords in URLs are not printed.`,
		Example: `  keyhold config explain /etc/keyhold/keyhold.toml --output json`,
		Args:    atMostOneFile,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := out.check(c); err != nil {
				return err
			}
			all := o.config.explain()
			return out.print(explained(all), map[string]any{"Settings": all})
		},
	}
	o.fileFlags(c)
	out.flag(c)
	return c
}

// An explainedSetting is a setting with the origin of its value.
type explainedSetting struct {
	Setting, Value, Unit string
	From                 string // a flag, a variable, FILE:LINE, or default
	Reload               bool   // while the server runs
}

// explain returns all settings in the order of the table.
func (c configuration) explain() (all []explainedSetting) {
	for _, r := range c.rows {
		if !r.setting() {
			continue
		}
		from := cmp.Or(c.named[r.flag], "default")
		if from == r.key {
			from = fmt.Sprintf("%s:%d", c.file.Name, c.file.Where(r.key))
		}
		unit := strings.TrimPrefix(r.unit, "-")
		all = append(all, explainedSetting{r.key, showValue(c.flags.Lookup(r.flag)), unit, from, r.reload})
	}
	return all
}

// showValue returns the value of a flag without the user, the password and the query of a URL, and without the path of
// the URL of a hook, which is often a secret itself.
func showValue(flag *pflag.Flag) string {
	text := flag.Value.String()
	if text == "[]" {
		return ""
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, path := rest[:end], rest[end:]
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = "***" + host[at:]
	}
	if before, _, ok := strings.Cut(path, "?"); ok && scheme != "etcd" && scheme != "postgres" { // no secrets in these
		path = before + "?***"
	}
	if flag.Name == hookFlag && path != "" {
		path = "/***"
	}
	return scheme + "://" + host + path
}

// explained returns the settings as a table.
func explained(all []explainedSetting) *page {
	var p page
	w := p.table()
	for _, s := range all {
		printf(w, "%s\t%s\t%s\n", s.Setting, cmp.Or(s.Value, "-"), s.From)
	}
	w.Flush()
	return &p
}
