package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

// A printer reports the steps of a command to people, one step on a line. It writes to
// standard error, because standard output holds data alone.
type printer struct{ w io.Writer }

func (p printer) step(label, format string, args ...any) {
	printf(p.w, "%-11s "+format+"\n", append([]any{label}, args...)...)
}

// more adds a line to the step before.
func (p printer) more(format string, args ...any) { p.step("", format, args...) }

// fingerprint prints a fingerprint as people compare it, half of it on a line.
func (p printer) fingerprint(f string) {
	half := len(f) / 2
	p.step("Fingerprint", "%s", f[:half])
	p.more("%s", strings.TrimSpace(f[half:]))
}

// output is the form of the data on standard output.
type output struct {
	form string
	w    io.Writer
}

// The forms that --output takes.
const (
	formText = "text"
	formJSON = "json"
)

func (o *output) flag(c *cobra.Command) {
	c.Flags().StringVar(&o.form, "output", formText, "form of the data on standard output: text or json")
	completeWords(c, "output", formText, formJSON)
}

// check checks the form, and sets where the data goes.
func (o *output) check(c *cobra.Command) error {
	if o.form != formText && o.form != formJSON {
		return usageError{fmt.Errorf("--output %q is neither text nor json", o.form)}
	}
	o.w = c.OutOrStdout()
	return nil
}

// print writes data as text, which ends its own lines, or as JSON.
func (o *output) print(text *page, data any) error {
	if o.form == formText {
		return text.writeTo(o.w)
	}
	encoded, err := api.Encode(data) // which knows the times of the API
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, encoded, "", "  "); err != nil {
		return err
	}
	return writeJSON(o.w, indented.String())
}
