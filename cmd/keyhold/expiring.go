package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/spf13/cobra"
)

// expiringOptions are the flags of keyhold expiring.
type expiringOptions struct {
	client clientOptions
	within string
	output output
}

func expiringCommand() *cobra.Command {
	var o expiringOptions
	c := &cobra.Command{
		Use:   "expiring [--within 30d]",
		Short: "List the imported key material that has expired or expires soon",
		Long: `List the imported key material that is missing because it expired or was deleted,
and then the material that expires within a time, soonest first. Only keys in one Region
are listed. Nothing is changed.

Import listed material again before it expires. A key with several materials works only
while all of them are imported; new material that waits for a rotation is the exception.

Exit codes for scripts: 0 if nothing is listed, 3 if something is. Standard error also
names keys into which no material was imported yet; these keys are not listed.`,
		Example: "  keyhold expiring --within 14d || notify-send 'import key material again'",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.output.check(c); err != nil {
				return err
			}
			return o.run(c.Context(), printer{c.ErrOrStderr()})
		},
	}
	o.client.flags(c)
	o.output.flag(c)
	c.Flags().StringVar(&o.within, "within", "30d", "time to look ahead, such as 14d or 36h")
	return c
}

// An expiringMaterial is a line of the list. KeyMaterialId and KeyMaterialState are empty for a key that
// only ever has one material. ValidTo is empty if the material is missing.
type expiringMaterial struct {
	KeyId            string
	KeyMaterialId    string                 `json:",omitempty"`
	KeyMaterialState types.KeyMaterialState `json:",omitempty"`
	Aliases          []string
	Missing          bool
	ValidTo          string `json:",omitempty"`
	DaysLeft         int    // whole days; 0 if it is missing
}

// expiringLine returns the line for material that is lost or expires.
func expiringLine(m heldMaterial, aliases []string, now time.Time) expiringMaterial {
	line := expiringMaterial{
		KeyId: *m.KeyId, KeyMaterialId: m.id, KeyMaterialState: m.state, Aliases: append([]string{}, aliases...),
	}
	if line.Missing = m.missing; !m.missing {
		line.ValidTo, line.DaysLeft = formatTime(*m.validTo), daysLeft(*m.validTo, now)
	}
	return line
}

func (o *expiringOptions) run(ctx context.Context, progress printer) error {
	within, err := parseAge("--within", o.within, "30d")
	if err != nil {
		return err
	}
	server, err := o.client.connect(ctx, progress)
	if err != nil {
		return err
	}
	now := server.now(ctx)
	end := now.Add(within)
	materials, aliases, err := server.imported(ctx, progress)
	if err != nil {
		return err
	}
	list := []expiringMaterial{}
	for _, m := range expiringBy(materials, end) {
		list = append(list, expiringLine(m, aliases[*m.KeyId], now))
	}
	reportMissing(materials, aliases, progress)
	if err := o.output.print(expiringTable(list), list); err != nil {
		return err
	}
	if len(list) > 0 {
		progress.step("Remedy",
			"import the same material again with a later expiry: keyhold import KEY --from FILE --expires 90d")
		return exitCode(exitExpiring)
	}
	progress.step("Nothing", "expires before %s", formatTime(end))
	return nil
}

// reportMissing prints the keys that wait for material.
func reportMissing(materials []heldMaterial, aliases map[string][]string, progress printer) {
	several := map[string]int{}
	for _, m := range materials {
		several[*m.KeyId]++
	}
	for _, m := range materials {
		names := strings.Join(append(slices.Clone(aliases[*m.KeyId]), *m.KeyId), " ")
		switch {
		case !m.missing:
		case m.waits():
			progress.step("Without",
				"the material %s has not been imported into %s yet, and waits in the primary key", m.id, names)
		case !m.lost() && m.DeletionDate == nil:
			progress.step("Without", "no material has been imported into %s yet", names)
		case several[*m.KeyId] == 1:
			progress.step("Without", "%s has no material now: it expired, was deleted, or was never imported", names)
		default:
			progress.step("Without",
				"%s lacks its material %s: it expired, was deleted, or was never imported here", names, m.id)
		}
	}
}

// words are the names of the states of material in the table.
var words = map[types.KeyMaterialState]string{
	types.KeyMaterialStateCurrent:         "current",
	types.KeyMaterialStateNonCurrent:      "former",
	types.KeyMaterialStatePendingRotation: "waiting",
	waitsForReplicas:                      "waiting",
}

// expiringTable shows the list in columns. It prints nothing for an empty list.
func expiringTable(list []expiringMaterial) *page {
	if len(list) == 0 {
		return new(page)
	}
	p := new(page)
	w := p.table()
	printf(w, "EXPIRES\tDAYS LEFT\tKEY\tMATERIAL\tALIASES\n")
	for _, m := range list {
		expires := cmp.Or(m.ValidTo, "missing")
		printf(w, "%s\t%d\t%s\t%s\t%s\n", expires, m.DaysLeft, m.KeyId, shortName(m), strings.Join(m.Aliases, " "))
	}
	w.Flush()
	return p
}

// shortName names a material within its key: by the beginning of its ID, and its state.
func shortName(m expiringMaterial) string {
	if m.KeyMaterialId == "" {
		return "the only one"
	}
	state := cmp.Or(words[m.KeyMaterialState], string(m.KeyMaterialState))
	return m.KeyMaterialId[:min(8, len(m.KeyMaterialId))] + " " + state
}
