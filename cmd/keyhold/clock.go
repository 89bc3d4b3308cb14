package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

func clockCommand() *cobra.Command {
	var at devServer
	c := &cobra.Command{
		Use:   "clock",
		Short: "Show or move the clock of a dev server",
		Long: `Show or move the clock that keys, import tokens and deletions live by on a dev
server. It only moves forward. Signatures follow wall time all the while, so that
clients need to know nothing of it.`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	at.flags(c)
	c.AddCommand(&cobra.Command{
		Use:   "show",
		Short: "Show the clock",
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return callClock(c.Context(), at, c.OutOrStdout(), "ShowClock", &api.ShowClockRequest{})
		},
	}, &cobra.Command{
		Use:     "advance DURATION",
		Short:   "Move the clock forward by a time such as 90m, 25h or 90d",
		Example: "  keyhold clock advance 25h",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			seconds, err := parseSeconds(args[0])
			if err != nil {
				return err
			}
			return callClock(c.Context(), at, c.OutOrStdout(), "MoveClock", &api.MoveClockRequest{AdvanceSeconds: &seconds})
		},
	}, &cobra.Command{
		Use:     "set TIME",
		Short:   "Move the clock forward to a time such as 2030-01-31T12:00:00Z",
		Example: "  keyhold clock set 2030-01-31T12:00:00Z",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := time.Parse(time.RFC3339, args[0])
			if err != nil {
				return usageError{fmt.Errorf("%q is not a time: write it as 2030-01-31T12:00:00Z", args[0])}
			}
			return callClock(c.Context(), at, c.OutOrStdout(), "MoveClock", &api.MoveClockRequest{To: api.NewTimestamp(t)})
		},
	})
	return c
}

// parseSeconds reads a duration as Go writes it, or a number of days: 90d.
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
		return 0, usageError{fmt.Errorf("%q is not a time to move forward by: write it as 90m, 25h or 90d", s)}
	}
	return int64(d / time.Second), nil
}

func callClock(ctx context.Context, at devServer, w io.Writer, operation string, in any) error {
	var out api.ClockResponse
	if err := at.call(ctx, api.TargetDev, operation, in, &out); err != nil {
		return err
	}
	ahead := time.Duration(*out.AheadSeconds) * time.Second
	fmt.Fprintf(w, "%s (%s ahead of wall time)\n", out.Now, ahead)
	return nil
}
