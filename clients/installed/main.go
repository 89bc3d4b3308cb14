// Command installed runs programs that were written for AWS KMS against keyhold dev. Each program is
// installed from its package registry, and uses a key with imported material.
//
// Each program has a folder here with the scripts install and client. The script client has three
// commands:
//
//	client version
//	client seal KEY FOLDER ROOM < PLAINTEXT
//	client open KEY FOLDER ROOM > PLAINTEXT
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
)

func main() {
	keyhold := flag.String("keyhold", "bin/keyhold", "path of the program")
	build := flag.String("build", ".build/clients", "folder to install the clients in")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: installed [flags] [CLIENT ...]\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	chosen, err := choose(flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "installed:", err)
		os.Exit(2)
	}
	if !run(ctx, os.Stdout, *keyhold, *build, chosen) {
		os.Exit(1)
	}
}

// choose returns the clients with these names, or all clients without names.
func choose(names []string) ([]client, error) {
	if len(names) == 0 {
		return clients, nil
	}
	var chosen []client
	for _, name := range names {
		i := slices.IndexFunc(clients, func(c client) bool { return c.folder == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no client %q in clients/installed", name)
		}
		chosen = append(chosen, clients[i])
	}
	return chosen, nil
}

// run prints a line for each client, and reports whether all of them passed.
func run(ctx context.Context, out io.Writer, keyhold, build string, chosen []client) bool {
	met := 0
	for _, c := range chosen {
		seen, err := try(ctx, keyhold, build, &c)
		if err != nil {
			fmt.Fprintf(out, "%s: not met\n%v\n", c.title(), err)
			continue
		}
		met++
		fmt.Fprintf(out, "%s: %s: met\n    message when the material has expired: %s\n", c.title(), c.results(), seen)
	}
	fmt.Fprintf(out, "%s of %s\n", number(met), number(len(chosen)))
	return met == len(chosen)
}

// try installs the client and runs its story against a server of its own. It returns the message that
// a user of the client sees when the material has expired.
func try(ctx context.Context, keyhold, build string, c *client) (seen string, err error) {
	if keyhold, err = filepath.Abs(keyhold); err != nil {
		return "", err
	}
	if build, err = filepath.Abs(build); err != nil {
		return "", err
	}
	if err := c.install(ctx, filepath.Join(build, c.folder)); err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	work, err := os.MkdirTemp("", "keyhold-clients-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	s, err := startServer(ctx, keyhold, work)
	if err != nil {
		return "", err
	}
	defer s.stop()
	c.environment = s.environment
	vault := filepath.Join(work, "vault")
	return (&story{program: c, owner: s, material: c.material, context: c.context, folder: vault}).run(ctx)
}

// number returns n as a word, if words has it.
func number(n int) string {
	words := []string{"none", "one", "two", "three", "four", "five", "six", "seven", "eight"}
	if n < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}
