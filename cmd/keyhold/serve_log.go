package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

// loggingOptions are the flags of keyhold serve for the log of the operator.
type loggingOptions struct{ level, format string }

func (o *loggingOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.level, "log-level", "info",
		"least level of lines in the server's log: debug, info, warn or error")
	completeWords(c, "log-level", "debug", "info", "warn", "error")
	c.Flags().StringVar(&o.format, "log-format", formText, "form of the server's log: text or json")
	completeWords(c, "log-format", formText, formJSON)
}

// check rejects invalid flags before anything is opened.
func (o loggingOptions) check() error {
	var err error
	if o.format != formText && o.format != formJSON {
		err = usageError{fmt.Errorf("--log-format %q is neither text nor json", o.format)}
	}
	if _, known := logLevels[o.level]; !known {
		err = errors.Join(err, usageError{
			fmt.Errorf("--log-level %q is not a level: give debug, info, warn or error", o.level)})
	}
	return err
}

// logLevels are the values of --log-level.
var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// logger returns a log, and its level, which can change.
func (o loggingOptions) logger(w io.Writer) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(logLevels[o.level])
	if o.format == formJSON {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})), level
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})), level
}
