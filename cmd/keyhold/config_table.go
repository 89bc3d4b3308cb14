package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/keyhold/keyhold/internal/settings"
)

// settingTable has a line for each flag of keyhold serve: its key in the settings file; whether a running server takes
// a new value (yes), or needs a restart (-); its unit (-, if the help of the flag says all); and an example. A flag
// with the key - is not a setting. The flag has the type, the default and the help.
const settingTable = `
data                      storage.data                 -    folder         "/var/lib/keyhold"
store                     storage.store                -    URL            "etcd://etcd1:2379,etcd2:2379,etcd3:2379/keyhold"
disk-reserve              storage.disk_reserve         -    MiB            16
root-key-file             custody.root_key_file        -    file           "/etc/keyhold/root.key"
custody                   custody.root_key             -    custody        "tpm:/var/lib/keyhold/root.tpm"
account                   deployment.account           -    12_digits      "111122223333"
regions                   deployment.regions           yes  Regions        ["eu-west-2", "eu-central-1"]
fips                      deployment.fips              -    -              false
addr                      server.address               -    host:port      "0.0.0.0:4599"
max-connections           server.max_connections       -    connections    4096
proxy-protocol-from       server.proxy_protocol_from   -    addresses      ["10.0.0.0/24"]
forwarded-from            server.forwarded_from        -    addresses      ["10.0.0.5", "10.0.1.0/24"]
allowed-hosts             server.allowed_hosts         -    hosts          ["kms.example.org"]
console                   console.enabled              -    -              true
console-issuers           console.issuers              -    issuers        ["keyhold-console@https://login.example.org"]
tls-cert                  tls.certificate              yes  file           "/etc/keyhold/server.pem"
tls-key                   tls.key                      yes  file           "/etc/keyhold/server.key"
tls-client-ca             tls.client_ca                yes  file           "/etc/keyhold/clients.pem"
tls-min-version           tls.min_version              yes  -              "1.3"
rate                      limits.rates                 yes  requests/s     { cryptographic = 10000 }
quota                     limits.quotas                yes  records        { keys = 100000 }
log-level                 log.level                    yes  -              "info"
log-format                log.format                   -    -              "text"
audit-keep                audit.keep                   -    days           "400d"
audit-sync                audit.sync                   -    -              "always"
audit-anchor              audit.anchor                 -    URL            "file:/mnt/other-volume/keyhold.anchor"
audit-anchor-key          audit.anchor_key             -    verifier_key   "witness.example.org+1a2b3c4d+AQ=="
audit-anchor-mode         audit.anchor_mode            -    -              "require"
audit-forward             audit.forward                -    URL            "syslog+tls://logs.example.org:6514"
audit-forward-ca          audit.forward_ca             -    file           "/etc/keyhold/logs-ca.pem"
audit-forward-cert        audit.forward_certificate    -    file           "/etc/keyhold/logs-client.pem"
audit-forward-key         audit.forward_key            -    file           "/etc/keyhold/logs-client.key"
audit-forward-token-file  audit.forward_token_file     -    file           "/etc/keyhold/logs.token"
private-addr              private.address              -    host:port      "127.0.0.1:4600"
private-any-address       private.any_address          -    -              false
private-pprof             private.pprof                -    -              false
expiry-warnings           expiry.warnings              -    times          ["30d", "7d", "1d"]
root-key-age              expiry.root_key_age          -    age            "365d"
disk-warnings             expiry.disk_warnings         -    sizes          ["1GiB", "256MiB"]
expiry-hook               expiry.hook                  -    hook           "/usr/local/bin/expiry-warning"
reclaim-slots             -                            -    slots          -
config                    -                            -    file           -
`

// A settingRow is a line of the table.
type settingRow struct {
	flag, key     string
	reload        bool
	unit, example string // the example is TOML
	kind          settings.Kind
}

// setting reports whether the flag has a key in the settings file.
func (r settingRow) setting() bool { return r.key != "-" }

// environment returns the variable of the environment that has the setting.
func (r settingRow) environment() string {
	return "KEYHOLD_" + strings.ToUpper(strings.ReplaceAll(r.flag, "-", "_"))
}

// settingRows parses the table for the flags of keyhold serve. It panics on a malformed table, which is a mistake in
// the program.
func settingRows(flags *pflag.FlagSet) (rows []settingRow) {
	for line := range strings.Lines(strings.TrimSpace(settingTable)) {
		f := strings.Fields(line)
		flag := flags.Lookup(f[0])
		if len(f) < 5 || flag == nil || f[2] != "yes" && f[2] != "-" || !settings.Kind(flag.Value.Type()).Known() {
			panic(fmt.Sprintf("not a line of the table of settings: %q", line))
		}
		rows = append(rows, settingRow{
			flag: f[0], key: f[1], reload: f[2] == "yes", unit: strings.ReplaceAll(f[3], "_", " "),
			example: strings.Join(f[4:], " "), kind: settings.Kind(flag.Value.Type()),
		})
	}
	return rows
}
