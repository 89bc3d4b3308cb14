package keyhold_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// make production runs the commands of this page in booted systems. The tests here find in a moment what would fail
// there: commands that no shell parses, and files that the package does not have.
const productionPage = "docs/production.md"

// productionMachines are the machines of the page.
var productionMachines = []string{"kms", "logs", "spare", "desk", "cluster"}

var (
	productionStep = regexp.MustCompile(`(?m)^    # on (\S+)\n((?:    .*\n|\n)+)`)
	packagedFile   = regexp.MustCompile(`/usr/(?:share|lib|bin)/(?:keyhold|systemd/system/keyhold)[\w./-]*`)
	packagedUnit   = regexp.MustCompile(`systemctl \S+ (?:--now )?(keyhold[\w.-]*)`)
	sedOfSetting   = regexp.MustCompile(`s\|\^#?(\w+) =`)
	chartValue     = regexp.MustCompile(`--set '?([\w.]+)=`)
)

// productionFaults returns the faults of a page: steps that cannot work with the files of the package, the example of
// the settings file and the values of the chart.
func productionFaults(page, contents, example, values string) (all []string) {
	steps := productionStep.FindAllStringSubmatch(page, -1)
	if strings.Count(page, "\n    # on ") != len(steps) || len(steps) == 0 {
		all = append(all, "a step has no commands")
	}
	for _, s := range steps {
		script := regexp.MustCompile(`(?m)^    `).ReplaceAllString(s[2], "")
		if !slices.Contains(productionMachines, s[1]) {
			all = append(all, "no machine has the name "+s[1])
		}
		parse := exec.Command("bash", "-n")
		parse.Stdin = strings.NewReader(script)
		if out, err := parse.CombinedOutput(); err != nil || len(out) > 0 {
			all = append(all, "bash does not parse a step: "+strings.TrimSpace(string(out)))
		}
		for _, file := range packagedFile.FindAllString(script, -1) {
			if !strings.Contains(contents, "dst: "+file+"\n") {
				all = append(all, "the package does not have "+file)
			}
		}
		for _, m := range packagedUnit.FindAllStringSubmatch(script, -1) {
			unit := m[1]
			if !strings.Contains(unit, ".") {
				unit += ".service"
			}
			if !strings.Contains(contents, "/"+unit+"\n") && !strings.Contains(page, "> /etc/systemd/system/"+unit) {
				all = append(all, "neither the package nor the page has the unit "+unit)
			}
		}
		for _, m := range sedOfSetting.FindAllStringSubmatch(script, -1) {
			if !strings.Contains(example, "\n#"+m[1]+" = ") {
				all = append(all, "the settings file has no setting "+m[1])
			}
		}
		for _, m := range chartValue.FindAllStringSubmatch(script, -1) {
			if last := m[1][strings.LastIndex(m[1], ".")+1:]; !strings.Contains(values, last+":") {
				all = append(all, "the chart has no value "+m[1])
			}
		}
	}
	return all
}

func TestProductionPage(t *testing.T) {
	contents, example := readFile(t, "packaging/nfpm.yaml"), readFile(t, "docs/keyhold.example.toml")
	values := readFile(t, "packaging/chart/keyhold/values.yaml")
	for _, fault := range productionFaults(readFile(t, productionPage), contents, example, values) {
		t.Errorf("%s: %s", productionPage, fault)
	}
	for step, want := range map[string]string{
		"# on kms\n    true":                                    "",
		"# on moon\n    true":                                   "no machine has the name moon",
		"# on kms\n    if true":                                 "bash does not parse a step",
		"# on kms\n    cat <<'EOF'\n    text":                   "bash does not parse a step",
		"# on kms\n    cat /usr/share/keyhold/no.yaml":          "the package does not have /usr/share/keyhold/no.yaml",
		"# on kms\n    systemctl start keyhold-moon":            "has the unit keyhold-moon.service",
		"# on kms\n    sed -i 's|^#moon = .*|moon = 1|' f":      "the settings file has no setting moon",
		"# on cluster\n    helm install keyhold --set 'a.b={}'": "the chart has no value a.b",
	} {
		got := strings.Join(productionFaults("\n    "+step+"\n", contents, example, values), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", step, got, want)
		}
	}
}
