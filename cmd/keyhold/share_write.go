package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/recipients"
	"github.com/keyhold/keyhold/internal/shares"
)

// custodians are the flags that split a secret among custodians.
type custodians struct {
	recipients, out string
	threshold       int
	flag            string // the name of the flag of recipients

	found []recipients.Recipient // in the file of recipients
}

// flags adds the flags. The help calls the secret by the name secret.
func (o *custodians) flags(c *cobra.Command, flag, secret string) {
	o.flag = flag
	c.Flags().StringVar(&o.recipients, flag, "",
		"split "+secret+" among the custodians in this file: each line is a recipient of age or HPKE, or a "+
			"public key of SSH")
	c.Flags().IntVar(&o.threshold, "threshold", 0, "number of shares that bring "+secret+" back")
	c.Flags().StringVar(&o.out, "shares-out", "shares", "new folder for the files of the shares")
}

// given reports whether a secret is to be split.
func (o *custodians) given() bool { return o.recipients != "" }

// check checks the flags, reads the file of custodians, and refuses a folder that exists.
func (o *custodians) check() (err error) {
	if !o.given() {
		if o.threshold != 0 {
			return usageError{fmt.Errorf("--threshold belongs to --%s FILE, which names the custodians", o.flag)}
		}
		return nil
	}
	file, err := readSmallFile(o.recipients)
	if err != nil {
		return err
	}
	if o.found, err = shares.ParseRecipients(file); err != nil {
		return fmt.Errorf("%s: %w", o.recipients, err)
	}
	if o.threshold < 1 || o.threshold > len(o.found) {
		return usageError{fmt.Errorf("%s has %d custodians: give the number of shares that are needed with --threshold, "+
			"1 to %d", o.recipients, len(o.found), len(o.found))}
	}
	return checkNewFile(o.out)
}

// write splits a secret, and writes the shares.
func (o *custodians) write(l shares.Label, secret []byte, progress printer) (set shares.Set, err error) {
	all, err := shares.Split(l, secret, o.threshold, len(o.found))
	if err != nil {
		return set, err
	}
	defer clearShares(all)
	if err := os.Mkdir(o.out, 0o700); err != nil {
		return set, fmt.Errorf("write the shares: %w", err)
	}
	progress.step("Shares", "%d in %s, of which %d are needed; the fingerprint of their set is %s:",
		len(all), o.out, o.threshold, all[0].Fingerprint())
	for i, s := range all {
		path := filepath.Join(o.out, fmt.Sprintf("share-%d%s", s.Index, shareSuffix(o.found[i])))
		if err := o.writeShare(s, o.found[i], path); err != nil {
			return set, fmt.Errorf("write the shares: %w", err)
		}
		progress.more("%s for %s", path, o.found[i].Name)
	}
	return all[0].Set, durable.SyncFolder(filepath.Dir(filepath.Clean(o.out)))
}

// shareSuffix returns the end of the name of a share. The program age opens files that end with .age.
func shareSuffix(to recipients.Recipient) string {
	if to.Approved() {
		return ".sealed"
	}
	return ".age"
}

func (o *custodians) writeShare(s *shares.Share, to recipients.Recipient, path string) error {
	file, err := s.Encrypt(to)
	if err != nil {
		return err
	}
	return durable.CreateFile(path, file)
}

func clearShares(all []*shares.Share) {
	for _, s := range all {
		s.Clear()
	}
}

// describeSet describes a set of shares in one line.
func describeSet(s shares.Set) string {
	return fmt.Sprintf("%d of %d, set %s", s.Threshold, s.Count, s.Fingerprint())
}

// errOneSecret means that a share is of another kind of secret than a command needs.
func errOneSecret(s shares.Set, want string) error {
	if s.Kind == want {
		return nil
	}
	words := map[string]string{
		shares.KindRecovery: "a recovery key: give it to keyhold recover",
		shares.KindMaterial: "key material: give it to keyhold import with --from-shares",
	}
	return errors.New("the shares have " + words[s.Kind])
}
