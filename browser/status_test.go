package browser

import (
	"strings"
	"testing"
)

// The status page shows the report of the server, and plots of the last hour.
func TestStatus(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t, "--data", t.TempDir()))
	p.open("/status")
	p.signIn()
	p.see("Ready")
	p.see("There are no figures yet.")
	p.see("key-file:")
	p.answer("KeyholdAdmin.Status", "200", "{}", `{"Ready": false, "Time": 1796063587,
		"Checks": [{"Name": "store", "Passed": false, "Degrades": false, "Reason": "the store does not answer"},
			{"Name": "disk", "Passed": false, "Degrades": true, "Reason": "full"}],
		"Custodies": [{"CustodyId": "tpm:1", "InUse": true, "Lags": true, "FailsSince": 1796063000}],
		"Nodes": [{"NodeId": "NODE1", "Self": true, "State": "alive", "Address": "10.0.0.1:4599"}],
		"Keys": [{"KeyState": "Enabled", "Count": 1234567}], "KeysCounted": 1796063500,
		"Expiries": [{"Arn": "arn:aws:kms:eu-west-2:111122223333:key/k1", "At": 1796099999}], "Deletions": [],
		"Connections": {"Used": 7, "Limit": 4096}, "Disk": {"Free": 5000000000},
		"Certificate": {"NotAfter": 1796099999, "Names": ["kms.example.org"], "Issuer": "CN=authority"},
		"Readings": [{"Subject": "root-key", "Name": "1", "Low": true, "Ends": 1796099999, "Reason": "the root key is old",
			"Remedy": "rotate the root key"}],
		"Audit": {"Origin": "keyhold/A/B", "Lines": 10, "AnchorBehind": 3},
		"Minutes": [{"Begun": 1796063400, "Requests": 6000, "Refused": 60, "Median": 64, "P99": 1500},
			{"Begun": 1796063460, "Requests": 0, "Refused": 0, "Median": 0, "P99": 0},
			{"Begun": 1796063520, "Requests": 12000, "Refused": 0, "Median": 128, "P99": 3000}]}`)
	p.visit("/keys")
	p.visit("/status")
	for _, text := range []string{
		"Not ready", "the store does not answer", "failed", "degraded", "lacks the newest root key", "NODE1 (this one)",
		"1,234,567", "7 of at most 4096", "5GB", "3 lines behind", "arn:aws:kms:eu-west-2:111122223333:key/k1",
		"Requests per second", "Latency, by local time: at most", "kms.example.org", "CN=authority",
		"root-key", "the root key is old", "rotate the root key", "half of the requests",
	} {
		p.see(text)
	}
	lines := eval[[]string](p, `[...document.querySelectorAll("path.line")].map((e) => e.getAttribute("d"))`)
	if len(lines) != 4 || strings.Count(lines[0], "L") != 2 || strings.Count(lines[2], "M") != 2 {
		t.Errorf("lines: %q", lines)
	}
	p.press("Values as a table")
	p.see("200")
}

// The page asks again while it is visible, and stops when it may not.
func TestStatusIsRefreshed(t *testing.T) {
	if !whole {
		t.Skip("it takes 30 seconds: make console runs it")
	}
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/status")
	p.signIn()
	asked := func() (n int) {
		for _, r := range p.sent() {
			if strings.Contains(r.headers, "KeyholdAdmin.Status") {
				n++
			}
		}
		return n
	}
	p.until("three requests", `new Promise((r) => setTimeout(r, 500, true))`)
	for asked() < 3 {
		p.until("another moment", `new Promise((r) => setTimeout(r, 500, true))`)
	}
}
