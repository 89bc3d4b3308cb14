package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// The limits of the checks.
const (
	slowSync     = 10 * time.Millisecond  // of one write; each change waits for two or more
	verySlowSync = 100 * time.Millisecond // a client times out after a few
	roomOnDisk   = 1 << 30                // bytes, besides the reserve
	renewAhead   = 30 * 24 * time.Hour    // before a certificate ends
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
	if uid, known := m.Owner(info); known && uid != m.User() {
		return one(Bad, fmt.Sprintf("the data folder belongs to user %d, and this is user %d", uid, m.User()),
			"run this command as the user of the server, or give the folder to the user: chown -R")
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return one(Bad, fmt.Sprintf("other users may enter the data folder: its mode is %04o", info.Mode().Perm()),
			"chmod 700 "+s.Folder)
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
	fact := fmt.Sprintf("%d MiB of %d MiB are free", free>>20, total>>20)
	switch {
	case free < s.Reserve+roomOnDisk/16:
		return one(Bad, fact, "free some space, or move the data folder to a larger disk: a server without space refuses "+
			"changes")
	case free < s.Reserve+roomOnDisk:
		return one(Careful, fact, "free some space: the audit log grows with each request, and --audit-keep limits its age")
	}
	return one(Good, fact, "")
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
	c := s.Certificate
	if c == nil {
		return one(Good, "the server has no certificate, and listens on the loopback interface only", "")
	}
	left := c.NotAfter.Sub(s.Now)
	end := c.NotAfter.UTC().Format(time.RFC3339)
	switch {
	case s.Now.Before(c.NotBefore):
		return one(Bad, "the certificate begins at "+c.NotBefore.UTC().Format(time.RFC3339),
			"set the clock, or use another certificate")
	case left <= 0:
		return one(Bad, "the certificate ended at "+end, "renew it, and reload the server")
	case left < renewAhead:
		return one(Careful, fmt.Sprintf("the certificate ends in %d days, at %s", left/(24*time.Hour), end),
			"renew it, and reload the server")
	}
	return one(Good, "the certificate ends at "+end, "")
}

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
