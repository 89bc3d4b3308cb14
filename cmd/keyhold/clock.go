package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

func clockCommand() *cobra.Command {
	var client clientOptions
	c := &cobra.Command{
		Use:   "clock",
		Short: "Show or move the clock of a dev server",
		Long: `Show or move the clock of a dev server. Keys, import tokens and deletions follow this
clock, which only moves forward. Signatures always follow wall time, so clients need no
change.`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	client.ownFlags(c)
	c.AddCommand(
		clockSubcommand(&client, "show", "Show the clock", "", func([]string) (string, any, error) {
			return "ShowClock", &api.ShowClockRequest{}, nil
		}),
		clockSubcommand(&client, "advance DURATION",
			"Move the clock forward by a time such as 90m, 25h or 90d", "25h", parseAdvance),
		clockSubcommand(&client, "set TIME",
			"Move the clock forward to a time such as "+exampleTime, exampleTime, parseSet),
	)
	return c
}

// exampleTime is a time in the form of keyhold clock set.
const exampleTime = "2030-01-31T12:00:00Z"

// A clockRequest reads the arguments of a subcommand as a request about the clock.
type clockRequest func(args []string) (operation string, in any, err error)

func parseAdvance(args []string) (string, any, error) {
	seconds, err := parseSeconds(args[0])
	return "MoveClock", &api.MoveClockRequest{AdvanceSeconds: &seconds}, err
}

func parseSet(args []string) (string, any, error) {
	t, err := time.Parse(time.RFC3339, args[0])
	if err != nil {
		err = usageError{fmt.Errorf("%q is not a time: write it as %s", args[0], exampleTime)}
	}
	return "MoveClock", &api.MoveClockRequest{To: api.NewTimestamp(t)}, err
}

// clockSubcommand returns a subcommand that sends one request about the clock. If it takes an
// argument, example is one. request reads the arguments.
func clockSubcommand(client *clientOptions, use, short, example string, request clockRequest) *cobra.Command {
	var o output
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  exactly(len(strings.Fields(use)) - 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			operation, in, err := request(args)
			if err != nil {
				return err
			}
			return callClock(c.Context(), *client, printer{c.ErrOrStderr()}, o, operation, in)
		},
	}
	if example != "" {
		c.Example = "  keyhold clock " + c.Name() + " " + example
	}
	o.flag(c)
	return c
}

// parseAge reads the duration of a flag. example is a value for its error.
func parseAge(flag, text, example string) (time.Duration, error) {
	seconds, err := parseSeconds(text)
	if err != nil {
		return 0, usageError{fmt.Errorf("%s %q is not a duration: write it as %s or 36h", flag, text, example)}
	}
	return time.Duration(seconds) * time.Second, nil
}

// parseSeconds reads a duration in the syntax of Go, or a number of days such as 90d.
func parseSeconds(s string) (int64, error) {
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		d = time.Duration(n * 24 * float64(time.Hour))
		if math.Abs(n) > 100*365 {
			err = fmt.Errorf("too many days")
		}
	}
	if err != nil || d < time.Second {
		return 0, usageError{fmt.Errorf("%q is not a duration: write it as 90m, 25h or 90d", s)}
	}
	return int64(d / time.Second), nil
}

func callClock(ctx context.Context, client clientOptions, progress printer, o output, operation string, in any) error {
	at, err := client.connect(ctx, progress)
	if err != nil {
		return err
	}
	var out api.ClockResponse
	if err := at.call(ctx, api.TargetDev, operation, in, &out); err != nil {
		return err
	}
	if out.AheadSeconds == nil || out.Now == nil {
		return at.mismatchError()
	}
	ahead := time.Duration(*out.AheadSeconds) * time.Second
	return o.print(pagef("%s (%s ahead of wall time)\n", out.Now, ahead), out)
}
