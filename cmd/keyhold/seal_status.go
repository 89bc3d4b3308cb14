package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

func sealStatusCommand(client *clientOptions) *cobra.Command {
	var o output
	var oldest string
	c := &cobra.Command{
		Use:   "status [--max-age 365d]",
		Short: "Show the custodies, the ages of root key and data keys, and the progress of a rotation",
		Long: `Show the custodies of the root key, the ages of the root key and the data keys, and the
progress of a rotation. The credentials must belong to the deployment's account, and have
the permission keyhold:SealStatus.

Exit codes for scripts: 0 if nothing needs attention, 3 if a rotation is not complete, a
custody has not wrapped the newest root key or does not work, or a key is older than
--max-age.`,
		Example: "  keyhold seal status --max-age 365d || notify-send 'replace the root key'",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			age, err := parseMaxAge(oldest)
			if err = cmp.Or(err, o.check(c)); err != nil {
				return err
			}
			progress := printer{c.ErrOrStderr()}
			at, err := client.connect(c.Context(), progress)
			if err != nil {
				return err
			}
			return showSeal(c.Context(), at, o, age, progress)
		},
	}
	o.flag(c)
	c.Flags().StringVar(&oldest, "max-age", "", "exit with 3 if the root key or the data key is older, such as 365d")
	return c
}

// parseMaxAge returns the age of --max-age, or 0 if there is none.
func parseMaxAge(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return parseAge("--max-age", text, "365d")
}

// showSeal prints the state of the seal, and the pending steps of its operator.
func showSeal(ctx context.Context, at *connection, o output, age time.Duration, progress printer) error {
	var s api.SealStatusResponse
	if err := at.call(ctx, api.TargetAdmin, "SealStatus", &api.SealStatusRequest{}, &s); err != nil {
		return err
	}
	if len(s.Custodies) == 0 || len(s.DataKeys) == 0 {
		return at.mismatchError()
	}
	if err := o.print(sealTable(s), s); err != nil {
		return err
	}
	due := sealDue(s, age, at.now(ctx))
	for _, text := range due {
		progress.step("To do", "%s", text)
	}
	if len(due) > 0 {
		return exitCode(exitExpiring)
	}
	return nil
}

// sealDue returns the pending steps of the operator.
func sealDue(s api.SealStatusResponse, age time.Duration, now time.Time) (due []string) {
	old := func(k *api.SealKey) bool {
		return age > 0 && (k == nil || k.Made == nil || k.Made.Time().Before(now.Add(-age)))
	}
	if old(s.RootKey) {
		due = append(due, "the root key is older than --max-age: keyhold seal rotate --root")
	}
	for _, c := range s.Custodies {
		if c.FailsSince != nil {
			due = append(due, fmt.Sprintf("%s has not worked since %s: the server goes on serving, but cannot start again; the "+
				"server's log has the cause", deref(c.CustodyId), formatTime(c.FailsSince.Time())))
		}
		if c.Lags {
			due = append(due, fmt.Sprintf("%s has not wrapped the newest root key: start a server with this custody, or remove "+
				"the custody: keyhold seal migrate --remove --from %s", deref(c.CustodyId), deref(c.CustodyId)))
		}
	}
	for _, k := range s.DataKeys {
		if deref(k.State) == "Sealing" && old(&k) {
			due = append(due, "the data key is older than --max-age: keyhold seal rotate --data")
		}
	}
	if s.Rotation != nil {
		due = append(due, "a data key is replacing older ones: "+describeRotation(*s.Rotation))
	}
	return due
}

// describeRotation describes the progress of a rotation of data keys.
func describeRotation(r api.SealRotation) string {
	text := map[string]string{
		"waiting":   "waiting until all servers have it",
		"using":     "waiting until all servers seal under it",
		"counting":  "the records under older data keys are counted",
		"resealing": "the records are sealed again",
		"resting":   "all records are sealed again",
		"checking":  "the server checks that no record names an older data key",
	}[deref(r.Phase)]
	if r.Total != nil && r.Left != nil && deref(r.Phase) == "resealing" {
		text += fmt.Sprintf(", %d of %d are left", *r.Left, *r.Total)
	}
	if r.Stuck != nil {
		text += fmt.Sprintf(", %d cannot be sealed again (the server's log names them)", *r.Stuck)
	}
	if r.DestroyAfter != nil {
		text += ", and the older data keys are destroyed after " + formatTime(r.DestroyAfter.Time())
	}
	return text
}

func sealTable(s api.SealStatusResponse) *page {
	text := new(page)
	table := text.table()
	printf(table, "CUSTODY\tSINCE\tUSED BY\tROOT KEY\tWORKED\n")
	for _, c := range s.Custodies {
		by := "-"
		if c.InUse {
			by = "this server"
		}
		if len(c.Nodes) > 0 {
			by = strings.Join(c.Nodes, " ")
		}
		root := "newest"
		if c.Lags {
			root = "older"
		}
		printf(table, "%s\t%s\t%s\t%s\t%s\n", deref(c.CustodyId), dateOf(c.Since), by, root, provedAt(c))
	}
	printf(table, "\nKEY\tMADE\tSTATE\tRECORDS\n")
	if k := s.RootKey; k != nil {
		printf(table, "root %d\t%s\t\t\n", *k.Version, dateOf(k.Made))
	}
	for _, k := range s.DataKeys {
		count := "-"
		if k.Records != nil {
			count = fmt.Sprint(*k.Records)
		}
		printf(table, "data %d\t%s\t%s\t%s\n", *k.Version, dateOf(k.Made), strings.ToLower(deref(k.State)), count)
	}
	table.Flush()
	return text
}

// provedAt returns when the custody of the server worked the last time.
func provedAt(c api.SealCustody) string {
	if c.Proved == nil {
		return "-"
	}
	return formatTime(c.Proved.Time())
}

// dateOf formats a time that may be unknown.
func dateOf(t *api.Timestamp) string {
	if t == nil {
		return "unknown"
	}
	return formatTime(t.Time())
}
