package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/authority"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/service"
)

// setupOptions are the answers to the questions of keyhold setup, and the flags of the command.
type setupOptions struct {
	config         string
	data, root     string
	name           string // of the server; empty for programs on this machine
	cert, key      string // files that exist; empty to make a certificate
	account        string
	regions        []string
	user           string // of the server; empty for the user who runs the command
	yes            bool
	in             *bufio.Reader
	out            io.Writer
	makeCert, done bool // a certificate is made; the settings file is there already
}

func setupCommand() *cobra.Command {
	var o setupOptions
	c := &cobra.Command{
		Use:   "setup",
		Short: "Ask three questions, and make the settings file and the deployment of a server",
		Long: `Ask for the data folder, the root key, and the name and certificate of the server. Show the plan,
write the settings file, and make the deployment. Without --tls-cert, the command also makes a
certificate, with an authority of its own. Flags answer the questions; with --yes the command asks
nothing. It leaves existing files as they are, so it can run again.

If root runs the command, the user keyhold of the Debian package gets the data folder, and its
group may read the root key file and the private key; --user names another user.`,
		Example: `  keyhold setup
  keyhold setup --yes --config keyhold.toml --data data --root-key-file root.key --name kms.example.org`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			o.in, o.out = bufio.NewReader(c.InOrStdin()), c.OutOrStdout()
			return o.run(c.Context(), c)
		},
	}
	c.Flags().StringVar(&o.config, configFlag, standardConfig, "settings file to write")
	c.Flags().StringVar(&o.data, "data", "/var/lib/keyhold", "data folder")
	c.Flags().StringVar(&o.root, "root-key-file", "/etc/keyhold/root.key", "root key file, apart from the data")
	c.Flags().StringVar(&o.name, "name", "",
		"name or address by which clients on other machines call the server (default: only programs on this machine can)")
	c.Flags().StringVar(&o.cert, "tls-cert", "", "file of the certificate and its chain, PEM (default: make one)")
	c.Flags().StringVar(&o.key, "tls-key", "", "file of the certificate's private key, PEM")
	c.Flags().StringVar(&o.account, "account", "000000000000", "account of the deployment, 12 digits")
	c.Flags().StringSliceVar(&o.regions, "regions", []string{service.DefaultRegion},
		"Regions to serve, separated by commas")
	c.Flags().StringVar(&o.user, "user", "",
		"user of the server, who gets the data (default: keyhold, if root runs the command and the user exists)")
	c.Flags().BoolVar(&o.yes, "yes", false, "ask nothing: use the flags and their defaults")
	return c
}

func (o *setupOptions) run(ctx context.Context, c *cobra.Command) error {
	if err := o.askAll(c); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if err := o.show(); err != nil {
		return err
	}
	if !o.yes {
		answer, err := o.ask("Do this? yes or no", "no")
		if err != nil || answer != "yes" {
			return errors.Join(err, printf(o.out, "Nothing was changed.\n"))
		}
	}
	return o.make(ctx, c)
}

// askAll asks the questions that no flag answers.
func (o *setupOptions) askAll(c *cobra.Command) (err error) {
	for _, q := range []struct {
		flag, text string
		to         *string
	}{
		{"data", "Where is the data", &o.data},
		{"root-key-file", "Where is the root key, which opens the data", &o.root},
		{"name", "By which name do clients on other machines call the server (empty: none)", &o.name},
		{"tls-cert", "Which file has the certificate for this name (empty: make one)", &o.cert},
		{"tls-key", "Which file has the private key of the certificate", &o.key},
	} {
		needless := q.flag == "tls-cert" && o.name == "" || q.flag == "tls-key" && o.cert == ""
		if o.yes || needless || c.Flags().Changed(q.flag) {
			continue
		}
		if *q.to, err = o.ask(q.text, *q.to); err != nil {
			return err
		}
	}
	return nil
}

// ask asks a question. An empty answer means the standard.
func (o *setupOptions) ask(question, standard string) (string, error) {
	if err := printf(o.out, "%s [%s]: ", question, standard); err != nil {
		return "", err
	}
	line, err := o.in.ReadString('\n')
	if errors.Is(err, io.EOF) && line == "" {
		return "", usageError{errors.New("there are no more answers on standard input: give flags and --yes")}
	}
	if line = strings.TrimSpace(line); line == "" {
		return standard, nil
	}
	return line, nil
}

// check completes the answers, and refuses what the commands for a server would refuse.
func (o *setupOptions) check() (err error) {
	for _, path := range []*string{&o.config, &o.data, &o.root, &o.cert, &o.key} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if (o.cert == "") != (o.key == "") {
		return usageError{errors.New("--tls-cert and --tls-key belong together: give both or none")}
	}
	if o.name == "" && o.cert != "" {
		return usageError{errors.New("--tls-cert is for a server with a name: give --name")}
	}
	if o.name != "" {
		if _, err := authority.Names([]string{o.name}); err != nil {
			return usageError{fmt.Errorf("--name: %w", err)}
		}
	}
	if err := o.chooseUser(); err != nil {
		return err
	}
	o.makeCert = o.name != "" && o.cert == ""
	if o.makeCert {
		o.cert, o.key = o.beside("server.pem"), o.beside("server.key")
	}
	old, err := os.ReadFile(o.config)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read the settings file: %w", err)
	case string(old) != o.settings():
		return fmt.Errorf("%s has other settings, and was left unchanged: edit the file, or move it away", o.config)
	}
	o.done = true
	return nil
}

// beside returns the path of a file in the folder of the settings file.
func (o *setupOptions) beside(name string) string { return filepath.Join(filepath.Dir(o.config), name) }

// settings returns the text of the settings file.
func (o *setupOptions) settings() string {
	chosen := map[string]string{"data": strconv.Quote(o.data), "root-key-file": strconv.Quote(o.root)}
	if o.name != "" {
		chosen["addr"], chosen["tls-cert"], chosen["tls-key"] = `":4599"`, strconv.Quote(o.cert), strconv.Quote(o.key)
	}
	return exampleFile(serveCommand().Flags(), chosen).b.String()
}

// show prints the steps of make.
func (o *setupOptions) show() error {
	p := pagef("This will be done, unless it is done already:\n")
	p.printf("  make the data folder %s and the deployment of account %s in %s\n",
		o.data, o.account, strings.Join(o.regions, ", "))
	p.printf("  make the root key file %s\n", o.root)
	if o.makeCert {
		p.printf("  make a certificate for %s: %s, %s, and its authority for clients, %s\n",
			o.name, o.cert, o.key, o.beside("authority.pem"))
	}
	if o.user != "" {
		p.printf("  give the data to the user %s, and let its group read these secrets\n", o.user)
	}
	p.printf("  write the settings file %s\n", o.config)
	return p.writeTo(o.out)
}

// serveLine returns the command that starts the server.
func (o *setupOptions) serveLine() string {
	return self() + " serve --config " + guarded.Shell(o.config)
}
