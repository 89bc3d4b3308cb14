package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/guarded"
)

// The limits of the checks.
const (
	slowSync     = 10 * time.Millisecond  // of one write; each change waits for two or more
	verySlowSync = 100 * time.Millisecond // a client times out after a few
	leastOnDisk  = 64 << 20               // bytes, besides the reserve
)

func clock(_ context.Context, m Machine, _ Subject) []Finding {
	switch synchronised, err := m.Clock(); {
	case err != nil:
		return one(Unknown, "the state of the clock is not known: "+err.Error(), "run a time service such as chrony")
	case !synchronised:
		return one(Careful, "no time service keeps the clock right", "run a time service such as chrony: requests whose "+
			"time differs by more than 5 minutes are refused, and so is a node whose clock is off by 2 seconds")
	}
	return one(Good, "a time service keeps the clock right", "")
}

func folder(_ context.Context, m Machine, s Subject) []Finding {
	info, err := m.Stat(s.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return one(Bad, "the data folder "+s.Folder+" does not exist", "make a deployment: keyhold init --data "+s.Folder)
	case err != nil:
		return one(Bad, "the data folder cannot be read: "+err.Error(), "run this command as the user of the server")
	case !info.IsDir():
		return one(Bad, s.Folder+" is not a folder", "give the data folder with --data")
	}
	var fault guarded.Fault
	switch err := m.Guard(s.Folder); {
	case errors.As(err, &fault):
		return one(Bad, fault.What, fault.Remedy)
	case err != nil:
		return one(Bad, err.Error(), "run this command as the user of the server")
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return one(Careful, fmt.Sprintf("other users may look into the data folder: its mode is %04o", info.Mode().Perm()),
			"chmod 700 "+guarded.Shell(s.Folder))
	}
	if remote, err := m.Net(s.Folder); err == nil && remote != "" {
		return one(Careful, "the data folder is on a file system of the type "+remote, "use a local disk: file locks and "+
			"syncs of this type may not keep what the server promises")
	}
	return one(Good, "the data folder belongs to this user alone", "")
}

func diskSpace(_ context.Context, m Machine, s Subject) []Finding {
	free, total, err := m.Disk(s.Folder)
	if err != nil {
		return one(Unknown, "the free space is not known: "+err.Error(), "check the free space of the data folder")
	}
	return []Finding{Space(max(free-s.Reserve, 0), total, s.Low(total))}
}

// Space judges the free space of a volume, besides the reserve of the server. Below low, the disk needs attention. All
// are in bytes.
func Space(free, total, low int64) Finding {
	fact := fmt.Sprintf("%d MiB of %d MiB are free on the disk of the data folder", free>>20, total>>20)
	switch {
	case free < leastOnDisk:
		return Finding{State: Bad, Fact: fact,
			Remedy: "free some space, or move the data folder to a larger disk: a server without space refuses changes"}
	case free <= low:
		return Finding{State: Careful, Fact: fact,
			Remedy: "free some space: the audit log grows with each request, and --audit-keep limits its age"}
	}
	return Finding{State: Good, Fact: fact}
}

func diskSpeed(_ context.Context, m Machine, s Subject) []Finding {
	median, err := m.Sync(s.Folder)
	if err != nil {
		return one(Bad, "a file in the data folder cannot be written: "+err.Error(),
			"run this command as the user of the server, on a disk that can be written")
	}
	fact := fmt.Sprintf("a write with its sync takes %.1f ms", float64(median.Microseconds())/1000)
	switch {
	case median > verySlowSync:
		return one(Bad, fact, "use another disk: each change waits for several syncs")
	case median > slowSync:
		return one(Careful, fact, "use a faster disk, such as an SSD: each change waits for several syncs")
	}
	return one(Good, fact, "")
}

func memory(_ context.Context, m Machine, _ Subject) []Finding {
	swaps, err := m.Swaps()
	locks, lockErr := m.Locks()
	switch {
	case err != nil || lockErr != nil:
		return one(Unknown, "swap is not known: "+errors.Join(err, lockErr).Error(), "turn swap off")
	case swaps && !locks:
		return one(Careful, "swap is on, and this user may not lock memory, so the kernel may write keys to disk",
			"set LimitMEMLOCK=infinity in the unit of systemd, or turn swap off")
	case swaps:
		return one(Good, "swap is on, and this user may lock memory", "")
	}
	return one(Good, "swap is off", "")
}

func certificate(_ context.Context, _ Machine, s Subject) []Finding {
	if s.Certificate == nil {
		return one(Good, "the server has no certificate, and listens on the loopback interface only", "")
	}
	return []Finding{Certificate(s.Certificate, s.Now, s.Ahead)}
}

// Certificate judges the dates of a certificate. A certificate that ends within ahead needs attention.
func Certificate(c *x509.Certificate, now time.Time, ahead time.Duration) Finding {
	left := c.NotAfter.Sub(now)
	end := formatTime(c.NotAfter)
	switch {
	case now.Before(c.NotBefore):
		return Finding{State: Bad, Fact: "the certificate begins at " + formatTime(c.NotBefore),
			Remedy: "set the clock, or use another certificate"}
	case left <= 0:
		return Finding{State: Bad, Fact: "the certificate ended at " + end, Remedy: "renew it, and reload the server"}
	case left <= ahead:
		return Finding{State: Careful, Fact: fmt.Sprintf("the certificate ends in %d days, at %s", left/(24*time.Hour), end),
			Remedy: "renew it, and reload the server"}
	}
	return Finding{State: Good, Fact: "the certificate ends at " + end}
}

// RootKey judges the age of a root key, which should be replaced at a time.
func RootKey(made, due, now time.Time, ahead time.Duration) Finding {
	fact := fmt.Sprintf("the root key is %d days old, and should be replaced by %s", now.Sub(made)/(24*time.Hour),
		formatTime(due))
	if due.Sub(now) <= ahead {
		return Finding{State: Careful, Fact: fact, Remedy: "run keyhold seal rotate --root"}
	}
	return Finding{State: Good, Fact: fact}
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// names looks up the host names of the certificate, by which clients of each Region find the server.
func names(ctx context.Context, m Machine, s Subject) (all []Finding) {
	if s.Certificate == nil {
		return nil
	}
	for _, name := range s.Certificate.DNSNames {
		if strings.HasPrefix(name, "*.") || name == "localhost" {
			continue
		}
		all = append(all, lookUp(ctx, m, name))
	}
	return all
}

func lookUp(ctx context.Context, m Machine, name string) Finding {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addresses, err := m.Hosts(ctx, name)
	if err != nil || len(addresses) == 0 {
		return Finding{State: Careful, Fact: "the name " + name + " of the certificate has no address",
			Remedy: "add the name to DNS or to /etc/hosts, so that clients find the server by it"}
	}
	return Finding{State: Good, Fact: name + " has the address " + strings.Join(addresses, ", ")}
}
