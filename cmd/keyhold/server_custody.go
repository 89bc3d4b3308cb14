package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
)

// rootOptions are the flags that say where the root key is.
type rootOptions struct {
	keyFile, custody string
	root             custody.Spec // of the two, or the default
	made             seal.Root    // by this command
}

// flags adds the flags. standard is the default of the root key file, for the help.
func (o *rootOptions) flags(
	flags interface {
		StringVar(to *string, name, value, help string)
	}, standard string,
) {
	flags.StringVar(&o.keyFile, "root-key-file", "", "root key file"+standard)
	flags.StringVar(&o.custody, "custody", "",
		"custody of the root key: key-file:PATH or passphrase:prompt (docs/custody.md)")
}

// complete checks the flags. standard is the root key file without any of them; if it is empty, the root is missing
// then.
func (o *rootOptions) complete(standard string) (err error) {
	switch {
	case o.keyFile != "" && o.custody != "":
		return usageError{errors.New("--root-key-file and --custody both say where the root key is: give one of them")}
	case o.custody != "":
		if o.root, err = custody.Parse(o.custody); err != nil {
			return usageError{fmt.Errorf("--custody: %w", err)}
		}
	case o.keyFile != "":
		o.root = custody.KeyFile(o.keyFile)
	case standard != "":
		o.root = custody.KeyFile(standard)
	}
	return nil
}

// given reports whether a flag says where the root key is.
func (o rootOptions) given() bool { return o.keyFile != "" || o.custody != "" }

// makeRoot makes the custody of a new root key.
func (o *rootOptions) makeRoot() (err error) {
	o.made, err = o.root.Create(askForSecret)
	if errors.Is(err, os.ErrExist) {
		err = fmt.Errorf("%w (existing files are never overwritten: give another --root-key-file)", err)
	}
	return err
}

// openRoot opens the custody of the root key.
func (o rootOptions) openRoot() (seal.Root, error) {
	if o.made != nil {
		return o.made, nil
	}
	return o.root.Open(askForSecret)
}

// openProved opens the custody of the root key, and proves it.
func (o rootOptions) openProved(ctx context.Context) (seal.Root, error) {
	root, err := o.openRoot()
	if err == nil {
		err = custody.Prove(ctx, root)
	}
	return root, err
}

// watchCustody proves the custody that a server uses until ctx ends.
func watchCustody(ctx context.Context, s *service.Service, log *slog.Logger) *custody.Watch {
	w := custody.NewWatch(s.Custody, custodyPeriod(), log)
	s.ShowProof(func() service.CustodyProof {
		state := w.State()
		return service.CustodyProof{
			Custody: state.Custody, Proved: state.Proved, Since: state.Since, Fails: state.Err != nil,
		}
	})
	go w.Run(ctx)
	return w
}

// rootFlag returns the flag that names a custody in another command, with a space before it.
func rootFlag(root custody.Spec) string {
	if root.Kind == custody.KeyFileKind {
		return " --root-key-file " + guarded.Shell(root.Argument)
	}
	return " --custody " + guarded.Shell(root.String())
}

// rootName returns what a custody is called in messages.
func rootName(root custody.Spec) string {
	if root.Kind == custody.KeyFileKind {
		return root.Argument
	}
	return root.String()
}

// rootNoun returns what a message calls a custody: file for a root key file, and other for all other kinds.
func rootNoun(root custody.Spec, file, other string) string {
	if root.Kind == custody.KeyFileKind {
		return file
	}
	return other
}

// askForSecret asks on the terminal of the program.
func askForSecret(question string) ([]byte, error) {
	return ask(question, errors.New("there is no terminal to ask for the secret: give it in a file, "+
		"a credential of systemd or a file descriptor (docs/custody.md)"))
}

// ask asks for a secret on the terminal of the program, which does not show it. Without a terminal it returns the
// error none.
func ask(question string, none error) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, none
	}
	defer tty.Close()
	printf(tty, "%s", question)
	secret, err := term.ReadPassword(int(tty.Fd()))
	printf(tty, "\n")
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	return secret, nil
}
