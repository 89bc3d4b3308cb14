package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
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
		Short: "List the keys whose imported material expires soon",
		Long: `List the keys whose imported material expires within a time, soonest first. Nothing
is changed. For scripts the exit code tells: 0 if nothing expires in that time, 3 if
something does. Keys that wait for material are named on standard error.`,
		Example: "  keyhold expiring --within 14d || notify-send 'import key material again'",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.output.check(c); err != nil {
				return err
			}
			return o.run(c.Context(), talk{c.ErrOrStderr()})
		},
	}
	o.client.flags(c)
	o.output.flag(c)
	c.Flags().StringVar(&o.within, "within", "30d", "how far to look ahead, such as 14d or 36h")
	return c
}

// An expiringKey is a line of the list.
type expiringKey struct {
	KeyId    string
	Aliases  []string
	ValidTo  string
	DaysLeft int // whole days
}

func (o *expiringOptions) run(ctx context.Context, say talk) error {
	seconds, err := parseSeconds(o.within)
	if err != nil {
		return usageError{fmt.Errorf("--within %q is no time such as 30d or 36h", o.within)}
	}
	server, err := o.client.connect(ctx, say)
	if err != nil {
		return err
	}
	now := server.now(ctx)
	end := now.Add(time.Duration(seconds) * time.Second)
	keys, err := server.keys(ctx)
	if err != nil {
		return fmt.Errorf("list keys: %w", err)
	}
	aliases := map[string][]string{}
	if err := server.eachAlias(ctx, func(name, id string) { aliases[id] = append(aliases[id], name) }); err != nil {
		say.step("Careful", "the list has no aliases: %s", factsOf(err).what)
	}
	list := []expiringKey{}
	for _, k := range expiringBy(keys, end) {
		list = append(list, expiringKey{*k.KeyId, append([]string{}, aliases[*k.KeyId]...), moment(*k.ValidTo), daysLeft(*k.ValidTo, now)})
	}
	for _, k := range keys {
		if k.Origin == types.OriginTypeExternal && k.KeyState == types.KeyStatePendingImport {
			say.step("Without", "%s has no material now: it expired, was deleted, or was never imported", strings.Join(append(aliases[*k.KeyId], *k.KeyId), " "))
		}
	}
	if err := o.output.print(table(list), list); err != nil {
		return err
	}
	if len(list) > 0 {
		return exitCode(exitExpiring)
	}
	say.step("Nothing", "expires before %s", moment(end))
	return nil
}

// table shows the list in columns; an empty one is nothing at all.
func table(list []expiringKey) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "EXPIRES\tDAYS LEFT\tKEY\tALIASES")
	for _, k := range list {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", k.ValidTo, k.DaysLeft, k.KeyId, strings.Join(k.Aliases, " "))
	}
	w.Flush()
	return b.String()
}
