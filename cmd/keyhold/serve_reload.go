package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
)

// lookForChanges is the interval at which a server looks at its settings file and its certificates.
const lookForChanges = 5 * time.Second

// A reloader gives new settings to a running server: all that can be reloaded, or none.
type reloader struct {
	serveOptions                   // of the last reload
	values       map[string]string // in effect, by flag
	server       *server.Server
	service      *service.Service
	level        *slog.LevelVar
	log          *slog.Logger
	notify       notifier
	requests     <-chan struct{} // for a reload
}

// run reloads after each request, and when the settings file or a certificate has changed. It ends with ctx.
func (r *reloader) run(ctx context.Context, look <-chan time.Time) {
	r.values = r.config.values()
	seen := fileStates{}
	seen.changed(r.files())
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.requests:
			seen.changed(r.files())
		case <-look:
			if !seen.changed(r.files()) {
				continue
			}
		}
		r.reload(ctx)
	}
}

// requestReload asks for a reload, unless one is asked for already.
func requestReload(reloads chan<- struct{}) {
	select {
	case reloads <- struct{}{}:
	default:
	}
}

// serve answers requests until ctx ends. It reloads the settings, and tells the service manager the state.
func (r *reloader) serve(ctx context.Context, listener net.Listener) error {
	look := time.NewTicker(lookForChanges)
	defer look.Stop()
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	running.Go(func() { r.run(ctx, look.C) })
	running.Go(func() { r.notify.watchdog(ctx) })
	context.AfterFunc(ctx, r.notify.stopping)
	r.notify.ready()
	return serve(ctx, r.server, listener)
}

// files returns the files whose changes the server notices.
func (r *reloader) files() []string {
	return []string{r.config.file.Name, r.certFile, r.keyFile, r.clientCA}
}

// reload reads all settings again. After an error, the settings stay as they are.
func (r *reloader) reload(ctx context.Context) {
	r.notify.reloading()
	defer r.notify.ready()
	next, err := r.again()
	if err == nil {
		err = r.apply(ctx, next)
	}
	if err != nil {
		r.log.Error("the settings were not reloaded: the former settings stay in effect", "cause", err)
	}
}

// again returns the settings that the same command line gives now.
func (o serveOptions) again() (next serveOptions, err error) {
	c := &cobra.Command{Use: "keyhold serve"}
	next.flags(c)
	o.config.flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			err = errors.Join(err, copyFlag(f, c.Flags().Lookup(f.Name)))
		}
	})
	if err != nil {
		return next, err
	}
	return next, next.complete(c)
}

// copyFlag gives a flag the value of another one, as if it was on the command line.
func copyFlag(from, to *pflag.Flag) error {
	to.Changed = true
	text := from.Value.String()
	if list, ok := from.Value.(pflag.SliceValue); ok {
		return to.Value.(pflag.SliceValue).Replace(list.GetSlice())
	}
	if from.Value.Type() == "stringToInt" {
		if text = strings.Trim(text, "[]"); text == "" {
			return nil
		}
	}
	return to.Value.Set(text)
}

// apply takes the settings into effect. What can fail comes first.
func (r *reloader) apply(ctx context.Context, next serveOptions) error {
	secure, err := next.secure()
	if err == nil && (secure == nil) != (r.certFile == "") {
		err = errors.New("TLS cannot be switched on or off while the server runs: restart the server")
	}
	if err != nil {
		return next.config.locate(err)
	}
	if !slices.Equal(next.regions, r.regions) {
		if _, err = r.service.ServeRegions(ctx, next.regions); err != nil {
			return fmt.Errorf("the Regions: %w", err)
		}
		warnOfRegions(ctx, r.service, r.log)
	}
	if secure != nil {
		r.server.SetTLS(secure)
	}
	r.service.SetLimits(next.limits.effective())
	r.level.Set(logLevels[next.logging.level])
	r.serveOptions = next
	r.report()
	return nil
}

// report logs which settings have changed, and which of them need a restart.
func (r *reloader) report() {
	var changed, late []string
	now := r.config.values()
	for _, row := range r.config.rows {
		switch {
		case now[row.flag] == r.values[row.flag]:
		case row.reload:
			changed = append(changed, row.key)
			r.values[row.flag] = now[row.flag]
		default:
			late = append(late, row.key)
		}
	}
	if len(late) > 0 {
		r.log.Warn("some changed settings are not in effect: restart the server to use them",
			"settings", strings.Join(late, ","))
	}
	r.log.Info("the settings and certificates were reloaded", "changed", strings.Join(changed, ","))
}
