// Command bench measures keyhold and two reference servers in one run. The server bare is net/http with an
// answer of the right size. The server floor does only what every server of this API has to do. All figures of
// servers are ratios to these references, because absolute figures depend on the machine. Operations that sign
// or compute MACs are compared with the floor's Decrypt plus the bare primitive, which is measured in this
// process.
//
// For requests, the servers run on one processor and the load comes from the others. For writes that wait for
// the disk, the servers have all processors. Runs of the servers alternate, and the result is the median. The
// program listens and sends on the loopback interface only.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// settings are the flags.
type settings struct {
	program string
	ops     []string
	parts   []string
	runs    int
	length  time.Duration
	conns   int
	many    int
	grants  int
	profile string
	delay   time.Duration // delay added to each sync
	etcd    string        // path of the server of etcd
	store   string        // URL of a store that several nodes can share
	before  string        // path of an older program
}

const defaultOps = "Decrypt,Encrypt,GenerateDataKey,DescribeKey," +
	"Sign:RSA_2048,Sign:ECC_NIST_P256,Sign:ECC_NIST_EDWARDS25519,Sign:ML_DSA_65,GenerateMac:HMAC_256"

// parts lists what can be run. Parts that reserve a processor for the servers come last, because this cannot be
// undone.
var parts = []string{
	"writes", "before", "imports", "requests", "decisions", "node", "audit", "metrics", "reseal", "many",
}

// ownParts are the parts that have make targets of their own.
var ownParts = []string{"backup"}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "serve" {
		fmt.Fprintln(os.Stderr, serveReference(os.Args[2]))
		os.Exit(1)
	}
	var s settings
	flag.StringVar(&s.program, "keyhold", "bin/keyhold", "the program to measure")
	ops := flag.String("ops", defaultOps, "operations to measure, with commas between them; of Sign and GenerateMac "+
		"with the key spec, as in Sign:RSA_2048")
	only := flag.String("parts", strings.Join(parts, ","), "parts to run, with commas between them; also "+
		strings.Join(ownParts, ", "))
	flag.IntVar(&s.runs, "runs", 5, "runs of each server, of which the median counts")
	flag.DurationVar(&s.length, "d", 3*time.Second, "length of a run")
	flag.IntVar(&s.conns, "c", 16, "connections")
	flag.IntVar(&s.many, "keys", 1_000_000, "how many keys are many; 0 leaves that part out")
	flag.IntVar(&s.grants, "grants", 50_000, "how many grants a key with many has")
	flag.StringVar(&s.profile, "profile", "", "only write a CPU profile of the first operation to this file")
	flag.DurationVar(&s.delay, "sync-delay", 0, "let each sync of the program take so much longer, by strace, as on a "+
		"slower disk")
	flag.StringVar(&s.etcd, "etcd", "", "the server of etcd for the part node, which is left out without it")
	flag.StringVar(&s.store, "store", "", "URL of an empty store for the part node, in place of a server of etcd")
	flag.StringVar(&s.before, "before", "", "an older program for the part before, which is left out without it")
	flag.Parse()
	s.ops, s.parts = strings.Split(*ops, ","), strings.Split(*only, ",")
	if err := s.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (s settings) run() error {
	if s.profile != "" {
		return s.writeProfile()
	}
	run := map[string]func() error{"writes": s.writes, "imports": s.parameters, "requests": s.requests,
		"decisions": s.decisions, "many": s.manyKeys, "node": s.node, "before": s.compareWrites, "reseal": s.reseal,
		"audit": s.audit, "metrics": s.metrics, "backup": s.backup}
	for _, part := range s.parts {
		if run[part] == nil {
			return fmt.Errorf("there is no part %q", part)
		}
	}
	for _, part := range slices.Concat(ownParts, parts) {
		if !slices.Contains(s.parts, part) {
			continue
		}
		if err := run[part](); err != nil {
			return err
		}
	}
	return nil
}

// writeProfile makes the program write a profile under the load of one operation.
func (s settings) writeProfile() error {
	k, err := s.startKeyhold(onFirstProcessor, "--cpu-profile", s.profile)
	if err != nil {
		return err
	}
	defer k.stop()
	l, err := prepare(k, s.ops[0], 1)
	if err != nil {
		return err
	}
	m, err := l.drive(k, s.conns, 2*s.length)
	fmt.Println(m)
	return err
}
