package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/recipients"
	"github.com/keyhold/keyhold/internal/shares"
)

// givenShares are the flags that bring a secret back.
type givenShares struct {
	files, identities []string
	fips              fipsOption // refuses files of age
}

// flags adds the flags. secret is what the shares bring back, for the help.
func (o *givenShares) flags(c *cobra.Command, flag, secret string) {
	c.Flags().StringArrayVar(&o.files, flag, nil,
		"share of "+secret+", encrypted or as age decrypted it: a file, fd:NUMBER, or - for standard input; repeat "+
			"the flag for each share")
	c.Flags().StringArrayVar(&o.identities, "identity", nil,
		"file of identities of age or HPKE, or a private key of SSH, that decrypts shares; repeat the flag for each")
}

// read reads the shares. The caller clears them with clearGiven.
func (o *givenShares) read() (given []shares.Given, err error) {
	identities, err := o.readIdentities()
	if err != nil {
		return nil, err
	}
	if len(o.files) > shares.MaxShares {
		return nil, usageError{fmt.Errorf("%d shares are given: a secret has at most %d", len(o.files), shares.MaxShares)}
	}
	for _, place := range o.files {
		s, err := o.readShare(place, identities)
		if errors.Is(err, shares.ErrEncrypted) {
			err = fmt.Errorf("%w: name the file of its custodian's identities with --identity, or let age decrypt it (%s)",
				err, "docs/recovery.md")
		}
		if err != nil {
			clearGiven(given)
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		given = append(given, shares.Given{Share: s, From: place})
	}
	return given, nil
}

func (o *givenShares) readIdentities() (all []recipients.Identity, err error) {
	for _, path := range o.identities {
		file, err := guarded.ReadSecret("the identities", path, maxSmallFile)
		if err != nil {
			return nil, err
		}
		found, err := recipients.ParseIdentities(file, func() ([]byte, error) {
			return ask(fmt.Sprintf("Passphrase of the key in %s: ", path),
				errors.New("there is no terminal to ask for the passphrase of the key: decrypt the share with age"))
		})
		clear(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// readShare reads the share at a place. A share that is not encrypted must not be readable by others.
func (o *givenShares) readShare(place string, identities []recipients.Identity) (*shares.Share, error) {
	f, err := openPlace(place)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := guarded.Read(f, shares.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("read the share: %w", err)
	}
	defer clear(file)
	if !shares.IsEncrypted(file) {
		if err := checkClosed(f, place); err != nil {
			return nil, err
		}
	} else if o.fips.on && !recipients.IsApproved(file) {
		return nil, errors.New("the share is a file of age, which --fips does not allow: open it with age on another machine")
	}
	return shares.Read(file, identities)
}

// openPlace opens a file, a file descriptor that the caller of the program opened, or standard input.
func openPlace(place string) (*os.File, error) {
	number, ok := strings.CutPrefix(place, "fd:")
	switch {
	case place == "-":
		return os.Stdin, nil
	case !ok:
		return os.Open(place)
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%s is not a file descriptor: give its number, such as fd:3", place)
	}
	return os.NewFile(uintptr(n), place), nil
}

func checkClosed(f *os.File, place string) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read the share: %w", err)
	}
	if info.Mode().IsRegular() && info.Mode()&0o077 != 0 {
		return fmt.Errorf("the share is not encrypted, and others may read it (mode %04o): run chmod 600 %s",
			info.Mode().Perm(), guarded.Shell(place))
	}
	return nil
}

func clearGiven(given []shares.Given) {
	for _, g := range given {
		g.Clear()
	}
}
