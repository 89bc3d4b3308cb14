package metrics

import (
	"fmt"
	"strings"
)

// table lists the metrics: name, type, labels with commas between them or "-", and meaning. docs/monitoring.md has the
// same table. No label has the name of an account or of a caller, and the number of series of each metric has a bound.
const table = `
keyhold_build_info                          gauge      version,go    1, with the version of the program and of Go
keyhold_ready                               gauge      -             1 if /readyz answers 200, else 0
keyhold_check_passed                        gauge      check         1 if the check of /readyz passes, else 0
keyhold_requests_total                      counter    operation,code  requests by operation and by the name of the error, or OK
keyhold_request_duration_seconds            histogram  operation     time from the header of a request to its response
keyhold_limit_reached_total                 counter    limit         requests and connections that a limit refused or ended
keyhold_connections                         gauge      -             open connections
keyhold_connections_limit                   gauge      -             the limit of connections
keyhold_unfinished_request_bytes            gauge      -             memory of requests that are not complete yet
keyhold_store_commits_total                 counter    -             transactions that the store has made durable
keyhold_store_commit_conflicts_total        counter    -             transactions that met another change, and ran again
keyhold_store_commit_failures_total         counter    -             transactions that the store did not make, or whose outcome is not known
keyhold_store_commit_duration_seconds       histogram  -             time of a commit, with the wait for the disk or for etcd
keyhold_feed_age_seconds                    gauge      -             age of what memory knows of the store; 0 on a server without other nodes
keyhold_nodes_alive                         gauge      -             nodes that this node sees alive, with itself
keyhold_outbox_entries                      gauge      -             events of this node that are in the store and not yet removed; counted up to 1000
keyhold_audit_lag_seconds                   gauge      -             age of the oldest event that is not on disk yet
keyhold_audit_forward_lag_lines             gauge      -             lines that the second device may not have
keyhold_audit_forward_lag_seconds           gauge      -             the second device has all lines that are older
keyhold_audit_forward_up                    gauge      -             1 if the second device takes lines, else 0
keyhold_audit_anchor_lag_lines              gauge      -             lines of the newest checkpoint that the anchor has not confirmed
keyhold_audit_anchor_up                     gauge      -             1 if the anchor keeps checkpoints, else 0
keyhold_seal_up                             gauge      -             1 if the last proof of the custody succeeded, else 0
keyhold_seal_proof_age_seconds              gauge      -             time since the last proof that succeeded
keyhold_cache_bytes                         gauge      cache         memory of a cache
keyhold_cache_limit_bytes                   gauge      cache         the limit of this memory
keyhold_disk_full                           gauge      -             1 while the disk reserve is not complete, else 0
keyhold_disk_free_bytes                     gauge      -             free space on the volume of the data folder
keyhold_material_expiry_seconds             gauge      key,region    time until imported material of the key expires, for the next 100 materials
keyhold_expiry_warnings_total               counter    ahead         warnings of this process about material that expires, by threshold
keyhold_warnings_total                      counter    subject       warnings of this process about a certificate, disk or root-key that runs out
keyhold_expiry_hook_failures_total          counter    -             warnings that the hook did not take
keyhold_certificate_expiry_seconds          gauge      -             time until the certificate of the server expires
keyhold_root_key_age_seconds                gauge      -             age of the newest root key
`

// A family is a line of the table.
type family struct {
	name, kind string
	labels     []string
	help       string
}

// families returns the lines of the table. It panics on a malformed line, which is a mistake in the program.
func families() (all []family) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			panic(fmt.Sprintf("metrics: malformed line %q", line))
		}
		one := family{name: f[0], kind: f[1], help: strings.Join(f[3:], " ")}
		if f[2] != "-" {
			one.labels = strings.Split(f[2], ",")
		}
		all = append(all, one)
	}
	return all
}

// Table returns the table of metrics in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, f := range families() {
		labels := ""
		if len(f.labels) > 0 {
			labels = "`" + strings.Join(f.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, f.kind, labels, f.help)
	}
	return b.String()
}
