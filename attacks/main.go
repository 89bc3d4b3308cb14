// Command attacks attacks a server as a stranger without credentials or one tenant among many could. For each
// attack it prints a line with the measured figures and whether the bar was met. Each attack has a server of
// its own: keyhold serve with TLS on a new data folder. All traffic stays on the loopback interface.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// An attack is a row in the table of attacks.
type attack struct {
	name string
	bar  string // the requirement, as text
	// run returns the measured figures. An error that wraps errMissed means that the bar was not met. Any other
	// error means that the attack could not be carried out.
	run func(ctx context.Context, l *lab) (figure string, err error)
}

// attacks lists the attacks in the order in which they run.
var attacks = []attack{
	{"quiet", "a server without an attack answers", quiet},
	{"overload", "goodput of 80 % of the peak from ten times the connections, and recovery", overloaded},
	{"rsa", "one user with 8 connections that generate RSA_4096 pairs, and others that sign and import, slows others " +
		"down at most 3 times; another user is served", burn("", generating, signing, wrapping)},
	{"rsa-one-core", "the same on one processor", burn("0", generating, signing)},
	{"disk", "a full disk, 20 times: the process alive, no acknowledged write lost, service back within 5 s of space; " +
		"keys are disabled and material expires meanwhile", fillDisk},
	{"rates", "one tenant that loops over each class of operations on 8 connections slows others down at most 3 times",
		fullSpeed},
	{"low-rates", "beyond a rate the answer is ThrottlingException, and throttled requests do not grow the log", lowRates},
	{"quotas", "one tenant makes as many keys, aliases and grants as the quotas allow, and not one more", quotas},
	{"grants", "refusals of a user with grants that do not match cost at most twice as much as without grants, and " +
		"slow others down at most 3 times", grants},
	{"policies", "no decision by an expensive policy takes more than 5 ms, and neither does parsing the policy",
		func(ctx context.Context, _ *lab) (string, error) { return searchPolicies(ctx) }},
	{"heavy", "30 connections with requests about keys with such policies slow others down at most 3 times",
		heavyPolicies},
	{"memory", "after 1,100 of the largest policies, and as much of all other caches, at most 512 MiB are resident",
		fillMemory},
	{"stalled", "2,000 stalled connections at most double the p99 of others", stalled},
	{"stalled-few", "the same with 200 file descriptors, and new clients are served", stalledFew},
	{"bodies", "2,500 half bodies of 128 KiB leave others alone", bodies},
	{"revocation",
		"2,000 races of changes with a revocation, and nothing is changed after the revocation was acknowledged",
		revocationRaces},
	{"turns", "64 connections that change one key in loops, of one user or of many, delay a revocation by at most 1 s",
		turns},
	{"rebinding", "no web page of another host is answered", rebinding},
	{"unsigned", "8 connections of unsigned requests make the log grow by at most 64 KiB per second, and slow others " +
		"down at most 3 times", unsigned},
	{"signatures", "8 connections of wrong signatures: the same", signatures},
	{"explain", "8 calls of ExplainDecision at a time, with a log of 512 MiB, slow others down at most 3 times", explain},
	{"olderstores", "1,000 older stores, all refused", restoreOlderStores},
	{"oidc", "while tokens with unknown keys wait for a provider that hangs, tokens with a cached key take at most a " +
		"second, and others are slowed down at most 3 times", slowProvider},
}

// errMissed is wrapped by the error of an attack whose bar was not met.
var errMissed = errors.New("bar not met")

// checkBar returns an error for a bar that was not met, or nil if ok.
func checkBar(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%w: %s", errMissed, fmt.Sprintf(format, args...))
}

// longest is the time limit of an attack.
const longest = 20 * time.Minute

func main() {
	program := flag.String("keyhold", "bin/keyhold", "the program to attack")
	only := flag.String("only", "", "names of attacks to run, with commas between them; all if empty")
	verbose := flag.Bool("v", false, "show what the servers write to their logs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed := 0
	for _, a := range attacks {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), a.name) {
			continue
		}
		if !carryOut(ctx, a, *program, *verbose) {
			failed++
		}
	}
	if failed > 0 {
		fmt.Printf("%d attacks did not meet their bar\n", failed)
		os.Exit(1)
	}
}

// carryOut runs one attack in a laboratory of its own, prints its line, and reports
// whether the bar was met.
func carryOut(ctx context.Context, a attack, program string, verbose bool) bool {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	l, err := newLab(program, verbose)
	if err != nil {
		fmt.Printf("%-12s %v\n", a.name, err)
		return false
	}
	defer l.close()
	figure, err := a.run(ctx, l)
	verdict := "met"
	switch {
	case errors.Is(err, errMissed):
		verdict = "NOT MET: " + err.Error()
	case err != nil:
		verdict = "NOT CARRIED OUT: " + err.Error()
	}
	fmt.Printf("%-12s %s (bar: %s): %s\n", a.name, figure, a.bar, verdict)
	return err == nil
}
