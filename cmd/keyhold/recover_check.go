package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/shares"
)

func recoverCheckCommand() *cobra.Command {
	var given givenShares
	var o output
	c := &cobra.Command{
		Use:   "check --share FILE [--identity FILE]",
		Short: "Check a share, without the other shares and without a server",
		Long: `Check that a share opens with the identity of its custodian, and that its secret value
belongs to the commitments of its set. The share may be of a recovery key or of key
material. Nothing is sent, and the secret value is not shown.

All custodians of a set see the same fingerprint: compare it with the others, and with the
fingerprint that the command printed when it made the shares.`,
		Example: "  keyhold recover check --share share-2.age --identity id",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if len(given.files) == 0 {
				return usageError{errors.New("keyhold recover check needs --share FILE")}
			}
			if err := errors.Join(o.check(c), given.fips.checkModule(), harden()); err != nil {
				return err
			}
			return checkShares(given, &o)
		},
	}
	given.flags(c, "share", "a secret")
	given.fips.flags(c)
	o.flag(c)
	return c
}

// A checkedShare describes a share that is right.
type checkedShare struct {
	File        string
	Kind        string
	Of          string
	Id          string
	Share       int
	Shares      int
	Threshold   int
	Made        string
	Fingerprint string
}

func checkShares(o givenShares, out *output) error {
	given, err := o.read()
	if err != nil {
		return err
	}
	defer clearGiven(given)
	list := []checkedShare{}
	for _, g := range given {
		list = append(list, checkedShare{
			g.From, g.Kind, g.Of, g.ID, g.Index, g.Count, g.Threshold, formatTime(g.Made), g.Fingerprint(),
		})
	}
	return out.print(checkedShares(list), list)
}

// secretWords are the names of secrets for people.
var secretWords = map[string]string{shares.KindRecovery: "recovery key", shares.KindMaterial: "key material"}

func checkedShares(list []checkedShare) *page {
	p := new(page)
	for _, s := range list {
		p.printf("%s is right: share %d of %d, of which %d are needed\n", s.File, s.Share, s.Shares, s.Threshold)
		p.printf("  secret       %s, %s\n  of           %s\n  made         %s\n  fingerprint  %s\n",
			secretWords[s.Kind], s.Id, s.Of, s.Made, s.Fingerprint)
	}
	return p
}
