package check

import (
	"strings"
	"testing"
)

// lintian finds nothing that is against the policy of Debian.
func TestLintian(t *testing.T) {
	deb := artefact(t, "keyhold_*_amd64.deb")
	if out := run(t, "lintian", "--allow-root", "--fail-on", "error,warning", deb); strings.Contains(out, ": keyhold: ") {
		t.Error(out)
	}
}

// makeDeployment is what README.Debian says, with the answers to the questions as flags, and keeps the first
// credentials for asRoot.
const makeDeployment = `
keyhold setup --yes > /root/setup.txt
systemctl start keyhold
install -d -m 700 /etc/credstore.encrypted
systemd-creds encrypt --name=keyhold.root /etc/keyhold/root.key /etc/credstore.encrypted/keyhold.root
sed -i -e 's|^root_key_file|#&|' -e 's|^#root_key = .*|root_key = "key-file:credential:keyhold.root"|' /etc/keyhold/keyhold.toml
systemctl restart keyhold
shred -u /etc/keyhold/root.key
`

// asRoot reads the credentials that keyhold setup has printed.
const asRoot = `
export AWS_ACCESS_KEY_ID=$(sed -nE 's/.*AWS_ACCESS_KEY_ID=(\S+).*/\1/p' /root/setup.txt)
export AWS_SECRET_ACCESS_KEY=$(sed -nE 's/.*AWS_SECRET_ACCESS_KEY=(\S+).*/\1/p' /root/setup.txt)
export AWS_ENDPOINT_URL_KMS=http://127.0.0.1:4599 AWS_REGION=us-east-1
`

// The package installs, its service runs in its sandbox, and an upgrade keeps the data.
func TestPackageInDebian(t *testing.T) {
	m := boot(t)
	m.install(t, artefact(t, "former/keyhold_*_amd64.deb"))
	if out := m.run(t, "systemctl is-enabled keyhold; systemctl is-active keyhold || true"); out != "enabled\ninactive\n" {
		t.Errorf("before keyhold setup, the service is %q", out)
	}
	m.run(t, makeDeployment)
	m.run(t, asRoot+"keyhold import alias/kept --create --generate /root/kept.key --expires 90d")
	before := m.run(t, "systemctl show -p MainPID --value keyhold")
	m.run(t, "echo '# a change of the operator' >> /etc/keyhold/keyhold.toml")
	m.install(t, artefact(t, "keyhold_*_amd64.deb"))
	if out := m.run(t, asRoot+"keyhold expiring --within 100d || true"); !strings.Contains(out, "alias/kept") {
		t.Errorf("the key is lost after the upgrade:\n%s", out)
	}
	if after := m.run(t, "systemctl show -p MainPID --value keyhold"); after == before {
		t.Error("the upgrade did not restart the service")
	}
	if out := m.run(t, "tail -1 /etc/keyhold/keyhold.toml"); out != "# a change of the operator\n" {
		t.Errorf("the upgrade changed a file of the operator: %q", out)
	}
	m.expectSandbox(t)
	m.expectNotices(t)
	m.run(t, "dpkg --purge keyhold && test -e /var/lib/keyhold/keyhold.db && ! test -e /etc/keyhold/keyhold.toml")
}

// The demo passes with the program of the installed package.
func TestDemoFromPackage(t *testing.T) {
	m := boot(t)
	m.install(t, artefact(t, "keyhold_*_amd64.deb"))
	run(t, "go", "build", "-C", repository, "-o", m.root+"/var/tmp/first-import", "./examples/first-import")
	out := m.run(t, "/var/tmp/first-import -keyhold /usr/bin/keyhold")
	if !strings.Contains(out, "All results are as expected.") {
		t.Error("the demo does not say that all results are as expected")
	}
	t.Log(out)
}

// expectSandbox expects the limits of the unit on the process of the server.
func (m machine) expectSandbox(t *testing.T) {
	t.Helper()
	status := m.run(t, "cat /proc/$(systemctl show -p MainPID --value keyhold)/status")
	for _, want := range []string{"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want) {
			t.Errorf("the status of the process lacks %q:\n%s", want, status)
		}
	}
	if uid := strings.TrimSpace(m.run(t, "id -u keyhold")); !strings.Contains(status, "Uid:\t"+uid+"\t") {
		t.Errorf("the process does not run as the user keyhold, %s:\n%s", uid, status)
	}
	// The kernel of a container may not grant the limit, so this reads what the unit asks for.
	if out := m.run(t, "systemctl show -p LimitMEMLOCK keyhold"); out != "LimitMEMLOCK=infinity\n" {
		t.Error(out)
	}
	if out, err := m.try(t, "runuser -u nobody -- cat /run/credentials/keyhold.service/keyhold.root"); err == nil {
		t.Errorf("another user reads the root key: %d bytes", len(out))
	}
}

// expectNotices expects that systemd knows from the server when it serves, and that a reload keeps the process.
func (m machine) expectNotices(t *testing.T) {
	t.Helper()
	const state = "systemctl show -p Type -p StatusText -p MainPID keyhold"
	before := m.run(t, state)
	if !strings.Contains(before, "Type=notify\n") || !strings.Contains(before, "StatusText=Serving\n") {
		t.Errorf("systemd knows of the server:\n%s", before)
	}
	m.run(t, "systemctl reload keyhold")
	m.run(t, "timeout 60 sh -c 'until journalctl -u keyhold | grep -q \"msg=.*reload\"; do sleep 0.2; done'")
	if after := m.run(t, state); after != before {
		t.Errorf("after a reload, systemd knows of the server:\n%s\nbefore:\n%s", after, before)
	}
}
