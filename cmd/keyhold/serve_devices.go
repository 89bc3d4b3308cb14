package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/keyhold/keyhold/internal/anchor"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/forward"
	"github.com/keyhold/keyhold/internal/guarded"
)

// The files in a data folder that devices need.
const (
	anchorState     = "audit.anchor"
	forwardPosition = "audit.forward"
)

// The values of --audit-anchor-mode.
const (
	anchorRequired = "require"
	anchorWarns    = "warn"
)

// deviceOptions are the flags of keyhold serve for the devices that have the audit log besides its folder.
type deviceOptions struct {
	anchor, anchorKey, mode           string
	forward, ca, cert, key, tokenFile string
}

func (o *deviceOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.anchor, "audit-anchor", "",
		"where checkpoints of the audit log are kept: file:PATH on another volume, or the https URL of a witness")
	c.Flags().StringVar(&o.anchorKey, "audit-anchor-key", "", "verifier key of the witness")
	c.Flags().StringVar(&o.mode, "audit-anchor-mode", anchorRequired,
		"what happens while the anchor fails: require (refuse requests) or warn (log, and go on)")
	completeWords(c, "audit-anchor-mode", anchorRequired, anchorWarns)
	c.Flags().StringVar(&o.forward, "audit-forward", "",
		"second device for the audit log: syslog+tls://HOST:PORT, unix:PATH or https://HOST/PATH")
	c.Flags().StringVar(&o.ca, "audit-forward-ca", "",
		"file of the authorities that sign the device's certificate, PEM (default: the authorities of the system)")
	c.Flags().StringVar(&o.cert, "audit-forward-cert", "",
		"file of the certificate that the server shows to the device, PEM")
	c.Flags().StringVar(&o.key, "audit-forward-key", "", "file of this certificate's private key, PEM")
	c.Flags().StringVar(&o.tokenFile, "audit-forward-token-file", "", "file of the bearer token for an https device")
}

// check rejects invalid flags before anything is opened.
func (o deviceOptions) check() error {
	if o.mode != anchorRequired && o.mode != anchorWarns {
		return usageError{fmt.Errorf("--audit-anchor-mode %q is neither require nor warn", o.mode)}
	}
	if o.anchor == "" && o.anchorKey != "" {
		return usageError{errors.New("--audit-anchor-key belongs to --audit-anchor")}
	}
	if o.anchor != "" {
		if _, err := anchor.Parse(o.anchor, o.anchorKey); err != nil {
			return usageError{fmt.Errorf("--audit-anchor: %w", err)}
		}
	}
	return o.checkForward()
}

func (o deviceOptions) checkForward() error {
	switch {
	case o.forward == "" && o.ca+o.cert+o.key+o.tokenFile != "":
		return usageError{errors.New("the flags of --audit-forward belong to it: give --audit-forward")}
	case (o.cert == "") != (o.key == ""):
		return usageError{errors.New("--audit-forward-cert and --audit-forward-key belong together: give both or none")}
	case o.forward != "":
		if _, err := forward.Parse(o.forward, forward.Options{}); err != nil {
			return usageError{fmt.Errorf("--audit-forward: %w", err)}
		}
	}
	return nil
}

// devices are the parts of a server that bring the audit log to other devices.
type devices struct {
	deviceOptions
	data      string
	log       *slog.Logger
	keeper    *anchor.Keeper                    // nil without an anchor
	forwarder atomic.Pointer[forward.Forwarder] // nil without a device, and before begin
	cancel    context.CancelFunc
	running   sync.WaitGroup
}

// begin compares the audit log with its anchor, and finds where forwarding continues. The log must be protected.
func (d *devices) begin(ctx context.Context, events *audit.Log) (err error) {
	if d.anchor == "" && d.forward == "" {
		return nil
	}
	folder, ok := events.Folder()
	if !ok {
		return errors.New("the audit log has no keys while the disk is full, so it has no anchor and cannot be forwarded: " +
			"free space, and start again")
	}
	verifier, err := note.NewVerifier(events.VerifierKey())
	if err != nil {
		return err
	}
	if err := d.beginForward(ctx, folder, verifier.Name()); err != nil {
		return err
	}
	if d.anchor == "" {
		return nil
	}
	a, err := anchor.Parse(d.anchor, d.anchorKey)
	if err != nil {
		return err
	}
	d.log.Info("the audit log has an anchor", "anchor", a.String(), "mode", d.mode, "verifierKey", events.VerifierKey())
	d.keeper, err = anchor.Start(ctx, anchor.Config{
		Anchor: a, Log: folder, Unsigned: events.Unsigned, Verifier: verifier, State: filepath.Join(d.data, anchorState),
		Require: d.mode == anchorRequired, Logger: d.log, Now: time.Now,
	})
	if err != nil {
		return d.explainAnchor(err)
	}
	events.Guard(d.keeper.Healthy)
	return nil
}

// explainAnchor adds the remedy to an error of the anchor.
func (d *devices) explainAnchor(err error) error {
	if !anchor.Refuted(err) {
		return err
	}
	return fmt.Errorf(
		"%w. Restore the newest backup of the whole deployment. If no newer one exists, and you accept that all later "+
			"changes are lost, move %s and the folder %s away: the server then begins another log, which the anchor does "+
			"not know (docs/anchors.md)",
		err, filepath.Join(d.data, "audit.log"), filepath.Join(d.data, "audit"))
}

func (d *devices) beginForward(ctx context.Context, folder *audit.Folder, origin string) error {
	if d.forward == "" {
		return nil
	}
	o, err := d.forwardOptions()
	if err != nil {
		return err
	}
	target, err := forward.Parse(d.forward, o)
	if err != nil {
		return err
	}
	f, err := forward.New(ctx, forward.Config{
		Log: folder, Origin: origin, Target: target, Position: filepath.Join(d.data, forwardPosition), Logger: d.log,
	})
	if err != nil {
		return err
	}
	d.forwarder.Store(f)
	d.log.Info("the audit log is forwarded to a second device", "target", target.String(), "lag", f.Lag())
	return nil
}

// needed returns the function that says which lines of the audit log the second device may not have, or nil if there is
// no device. Deletions of old lines wait for the device until full reports a full disk.
func (d *devices) needed(full func() error) func() (first int64, wait bool) {
	if d.forward == "" {
		return nil
	}
	return func() (int64, bool) {
		f := d.forwarder.Load()
		if f == nil {
			return 0, true
		}
		return f.Confirmed(), full == nil || full() == nil
	}
}

// forwardOptions reads the files of the flags.
func (o deviceOptions) forwardOptions() (f forward.Options, err error) {
	f.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if f.Host, err = os.Hostname(); err != nil {
		f.Host = ""
	}
	if o.ca != "" {
		if f.TLS.RootCAs, err = readPool("--audit-forward-ca", o.ca); err != nil {
			return f, err
		}
	}
	if o.cert != "" {
		cert, err := endpointOptions{certFile: o.cert, keyFile: o.key}.certificate()
		if err != nil {
			return f, fmt.Errorf("the certificate for --audit-forward: %w", err)
		}
		f.TLS.Certificates = []tls.Certificate{cert}
	}
	if o.tokenFile != "" {
		token, err := guarded.ReadSecret("the token of --audit-forward", o.tokenFile, 16<<10)
		if err != nil {
			return f, err
		}
		f.Token = strings.TrimSpace(string(token))
	}
	return f, nil
}

// run works until end is called.
func (d *devices) run(ctx context.Context) {
	ctx, d.cancel = context.WithCancel(ctx)
	if d.keeper != nil {
		d.running.Go(func() { d.keeper.Run(ctx) })
	}
	if f := d.forwarder.Load(); f != nil {
		d.running.Go(func() { f.Run(ctx) })
	}
}

// end keeps the last checkpoint, which the closed log has signed.
func (d *devices) end() {
	if d.cancel == nil {
		return
	}
	d.cancel()
	d.running.Wait()
	if d.keeper == nil {
		return
	}
	if err := d.keeper.Last(context.Background()); err != nil {
		d.log.Error("the anchor does not have the last checkpoint of the audit log", "cause", err)
	}
}
