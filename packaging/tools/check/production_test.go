package check

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A step of docs/production.md is a block of commands for one machine.
type step struct{ section, machine, script string }

var (
	pageSection = regexp.MustCompile(`^## (.+)$`)
	stepStart   = regexp.MustCompile(`^    # on ([a-z]+)$`)
)

// stepsOf returns the steps of a page.
func stepsOf(page string) (all []step) {
	section, inStep := "", false
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if m := pageSection.FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		code, isCode := strings.CutPrefix(line, "    ")
		switch m := stepStart.FindStringSubmatch(line); {
		case m != nil:
			all, inStep = append(all, step{section: section, machine: m[1]}), true
		case inStep && (isCode || line == ""):
			all[len(all)-1].script += code + "\n"
		default:
			inStep = false
		}
	}
	return all
}

// notRun has the machines that this test does not have. A cluster of Kubernetes cannot be installed from packages
// alone, so nothing runs kubectl and Helm here; TestChart renders the chart.
var notRun = map[string]bool{"cluster": true}

// A copied file is one that a person carries to another machine, where the page says "copy".
type copied struct{ from, file, to, as string }

// copies are made before the step that has these words.
var copies = map[string][]copied{
	"shred -u /etc/keyhold/root.key": {{"kms", "/etc/keyhold/root.key", "spare", "/root/root.key"}},
	"update-ca-certificates": {
		{"logs", "/etc/rsyslog-keyhold/logs.pem", "kms", "/usr/local/share/ca-certificates/logs.crt"}},
	"keyhold-witness.service": {{"kms", "/root/audit.pub", "logs", "/etc/keyhold/logs"}},
	"$(cat witness.pub)":      {{"logs", "/root/witness.pub", "kms", "/root/witness.pub"}},
	"cat > backup.toml":       {{"spare", "/root/recipients.txt", "kms", "/etc/keyhold/recipients"}},
	"> secrets.yaml": {
		{"kms", "/etc/keyhold/authority.pem", "desk", "/authority.pem"}, {"kms", "/root/admin.env", "desk", "/admin.env"}},
	"keyhold restore": {
		{"kms", "/root/newest.backup", "spare", "/root/newest.backup"}, {"kms", "/root/audit.pub", "spare", "/root/audit.pub"},
		{"kms", "/var/lib/keyhold/audit.log", "spare", "/root/former/audit.log"},
		{"kms", "/var/lib/keyhold/audit", "spare", "/root/former/audit"}},
	"grep 'correct horse'": {{"spare", "/etc/keyhold/authority.pem", "desk", "/authority.pem"}},
}

// The commands of docs/production.md work one after the other, from empty systems to a restored server.
func TestProductionPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "docs/production.md"))
	if err != nil {
		t.Fatal(err)
	}
	places := bootPlaces(t)
	for _, s := range stepsOf(string(page)) {
		p, ok := places[s.machine]
		switch {
		case notRun[s.machine], strings.Contains(s.script, "terraform") && !hasTerraform():
			t.Logf("%s: NOT RUN on %s:\n%s", s.section, s.machine, s.script)
			continue
		case !ok:
			t.Fatalf("%s: the page has a step for %q, which is not a machine", s.section, s.machine)
		}
		for words, files := range copies {
			if strings.Contains(s.script, words) {
				carry(t, places, files)
			}
		}
		out, err := p.shell.run(s.script)
		if err != nil {
			t.Fatalf("%s, on %s: %v\n%s\nprinted:\n%s\n%s", s.section, s.machine, err, s.script, out, p.journal(t))
		}
		t.Logf("%s, on %s:\n%s\nprinted:\n%s", s.section, s.machine, s.script, out)
	}
}

// A place is where steps run.
type place struct {
	root    string // the folder of its files
	shell   *shell
	journal func(t *testing.T) string
}

// hosts are the names of the machines, which share the network of the first one. It reaches nothing else.
const hosts = "127.0.0.1 localhost kms.example.org\n127.0.0.2 logs.example.org\n"

// bootPlaces boots the machines of the page, with the packages where the page has them.
func bootPlaces(t *testing.T) map[string]place {
	t.Helper()
	all, programs, first := map[string]place{}, clientPrograms(t), ""
	for _, name := range []string{"kms", "logs", "spare"} {
		m := bootOn(t, cmp.Or(first, "--private-network"))
		first = cmp.Or(first, "--network-namespace-path=/proc/"+m.leader+"/ns/net")
		writeFile(t, m.root+"/etc/hosts", hosts)
		run(t, "cp", artefact(t, "former/keyhold_*_amd64.deb"), m.root+"/root/keyhold_1.2.3-1_amd64.deb")
		run(t, "cp", artefact(t, "keyhold_*_amd64.deb"), m.root+"/root/keyhold_1.3.0-1_amd64.deb")
		all[name] = place{m.root, m.shell(t), func(t *testing.T) string {
			out, _ := m.try(t, "journalctl --no-pager -n 40")
			return out
		}}
		if all["desk"].shell == nil {
			all["desk"] = m.desk(t, programs)
		}
	}
	return all
}

// desk returns the machine of the person, with programs that the Debian does not have: a folder of this machine, in
// the network of the server.
func (m machine) desk(t *testing.T, programs string) place {
	t.Helper()
	root := t.TempDir()
	writeFile(t, root+"/hosts", hosts)
	c := exec.Command("nsenter", "-t", m.leader, "-n", "--", "unshare", "-m", "env", "-i", "-C", root,
		"PATH="+programs+":/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME="+root, "CHECKPOINT_DISABLE=1",
		"TF_CLI_ARGS_init=-plugin-dir="+terraformPlugins, "bash", "-ec",
		"mount --bind hosts /etc/hosts; exec bash -e -o pipefail")
	return place{root, newShell(t, c), func(*testing.T) string { return "" }}
}

// terraformPlugins is where the AWS provider of Terraform must be. No registry of packages has Terraform, so its step
// runs only on machines that have it.
const terraformPlugins = "/opt/tf-plugins"

func hasTerraform() bool {
	_, err := exec.LookPath("terraform")
	found, _ := filepath.Glob(terraformPlugins + "/*/hashicorp/aws/*/linux_amd64")
	return err == nil && len(found) > 0
}

// clientPrograms returns a folder with the programs keyhold and sops.
func clientPrograms(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	run(t, "cp", artefact(t, "stage/keyhold"), folder)
	run(t, "go", "build", "-C", filepath.Join(repository, "clients/installed/sops"), "-o", filepath.Join(folder, "sops"),
		"github.com/getsops/sops/v3/cmd/sops")
	return folder
}

// carry copies files from place to place, with their modes.
func carry(t *testing.T, places map[string]place, files []copied) {
	t.Helper()
	for _, c := range files {
		to := places[c.to].root + c.as
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, "cp", "-rT", places[c.from].root+c.file, to)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
