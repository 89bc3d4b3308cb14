package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/doctor"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/records"
)

func doctorCommand() *cobra.Command {
	var o serveOptions
	var out output
	c := &cobra.Command{
		Use:   "doctor (--config FILE | --data DIR)",
		Short: "Examine the machine, files and settings of a server, and name a remedy for each fault",
		Long: `Examine the machine, files and settings of a server, and name a remedy for each fault:
settings, data folder, free space and speed of the disk, clock, swap, root key, certificate
and its host names, version. Give the flags or the settings file of keyhold serve, and run it as the
user of the server. The server may run meanwhile, because this command does not open the
store. It writes a small file into the data folder to measure the disk, and removes the file.

Exit codes for scripts: 0 if all is well, 3 if a check found something.`,
		Example: "  keyhold doctor --config /etc/keyhold/keyhold.toml",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := out.check(c); err != nil {
				return err
			}
			return runDoctor(c.Context(), o, &out)
		},
	}
	o.flags(c)
	out.flag(c)
	return c
}

func runDoctor(ctx context.Context, o serveOptions, out *output) error {
	all := []doctor.Finding{{Check: "settings", State: doctor.Good, Fact: "the settings are valid"}}
	all = append(all, examineDeployment(o), examineCustody(ctx, o.place))
	subject := doctor.Subject{
		Folder: o.data, Reserve: int64(o.reserve) << 20, Now: time.Now(), Ahead: o.expiry.longest(), Low: o.expiry.firstLow,
	}
	if o.certFile != "" {
		cert, err := o.certificate()
		if err != nil {
			all = append(all, doctor.Finding{Check: "certificate", State: doctor.Bad, Fact: err.Error(),
				Remedy: "give a certificate and its private key with --tls-cert and --tls-key"})
		}
		subject.Certificate = cert.Leaf
	}
	for _, f := range doctor.Examine(ctx, o.machine(), subject) {
		if f.Check != "certificate" || o.certFile == "" || subject.Certificate != nil {
			all = append(all, f)
		}
	}
	all = append(all, doctor.Finding{Check: "version", State: doctor.Good, Fact: fmt.Sprintf(
		"keyhold %s, which reads records up to format %d", programVersion(), records.NewestFormat)})
	if err := out.print(doctorTable(all), all); err != nil {
		return err
	}
	if state := doctor.Worst(all); state == doctor.Careful || state == doctor.Bad {
		return exitCode(exitExpiring)
	}
	return nil
}

// machine returns the machine whose data folder is judged as a start judges the folder.
func (o serveOptions) machine() doctor.Machine {
	m := doctor.ThisMachine()
	if !o.shared() {
		m.Guard = host.CheckFolder
	}
	return m
}

// examineDeployment looks for the store, which it does not open.
func examineDeployment(o serveOptions) doctor.Finding {
	if o.shared() || host.HasDatabase(o.data) {
		return doctor.Finding{Check: "deployment", State: doctor.Good, Fact: "the store is " + o.name()}
	}
	return doctor.Finding{Check: "deployment", State: doctor.Bad, Fact: o.data + " has no store",
		Remedy: "make a deployment with keyhold init, or give its data folder with --data"}
}

// custodyTime is how long keyhold doctor waits for a custody.
const custodyTime = 30 * time.Second

// examineCustody opens the custody of the root key, and proves it.
func examineCustody(ctx context.Context, p place) doctor.Finding {
	ctx, cancel := context.WithTimeout(ctx, custodyTime)
	defer cancel()
	if _, err := p.openProved(ctx); err != nil {
		return doctor.Finding{Check: "custody", State: doctor.Bad, Fact: err.Error(),
			Remedy: "see docs/custody.md, or bring the deployment back with keyhold recover"}
	}
	return doctor.Finding{Check: "custody", State: doctor.Good,
		Fact: "the custody " + rootName(p.root) + " wraps and unwraps"}
}

// doctorTable shows findings in columns, each with its remedy below.
func doctorTable(all []doctor.Finding) *page {
	p := new(page)
	w := p.table()
	printf(w, "CHECK\tSTATE\tFINDING\n")
	for _, f := range all {
		printf(w, "%s\t%s\t%s\n", f.Check, f.State, f.Fact)
		if f.Remedy != "" {
			printf(w, "\t\tdo: %s\n", f.Remedy)
		}
	}
	w.Flush()
	return p
}
