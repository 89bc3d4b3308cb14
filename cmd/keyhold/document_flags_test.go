package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagsOf returns the flags of each command. A command is named without the name of the program; ""
// has all flags.
func flagsOf(root *cobra.Command) map[string]map[string]bool {
	all := map[string]map[string]bool{"": {"help": true, "version": true}}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		words := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), root.Name()), " ")
		if words != "" {
			all[words] = map[string]bool{"help": true}
		}
		note := func(f *pflag.Flag) {
			all[words][f.Name] = true
			all[""][f.Name] = true
		}
		c.LocalFlags().VisitAll(note)
		c.InheritedFlags().VisitAll(note)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	root.InitDefaultCompletionCmd()
	walk(root)
	return all
}

var (
	markdownCode = regexp.MustCompile("`([^`\n]+)`|(?m:^    (.+)$)")
	programName  = regexp.MustCompile(`^(?:bin/)?keyhold$`)
	flagWord     = regexp.MustCompile(`^--([a-z][a-z0-9-]*)`)
	ofOthers     = regexp.MustCompile(`(?:^|[({=] *|^[A-Z_]+=\S+ )(?:aws|kms|docker|openssl|go|make|curl|npm|pip|java|git|keytool|sops|terraform|tofu|bao|vault|mongosh|step|cosign|helm|kubectl|systemctl|jsign|cargo|mvn|node|etcd|createdb|etcdctl|etcdutl|ssh-keygen|python3?)\b`)
)

// wrongFlags returns the flags in the code of a document that the program does not have. Lines that
// call another program are not checked.
func wrongFlags(text string, flags map[string]map[string]bool) (all []string) {
	for _, m := range markdownCode.FindAllStringSubmatch(strings.ReplaceAll(text, "\\\n", " "), -1) {
		code := m[1] + m[2]
		for piece := range strings.SplitSeq(code, "|") {
			piece = strings.TrimSpace(piece)
			if ofOthers.MatchString(piece) {
				continue
			}
			all = append(all, wrongFlagsOf(piece, flags)...)
		}
	}
	return all
}

// wrongFlagsOf checks one command line, or a list of flags.
func wrongFlagsOf(piece string, flags map[string]map[string]bool) (all []string) {
	words := strings.Fields(piece)
	command := ""
	if len(words) > 1 && programName.MatchString(words[0]) {
		command = words[1]
		if len(words) > 2 && flags[command+" "+words[2]] != nil {
			command += " " + words[2]
		}
		switch {
		case flags[command] != nil:
		case words[0] == "keyhold" && !strings.Contains(piece, " --"): // not a command, such as the label of a key
			return nil
		default:
			return []string{fmt.Sprintf("there is no command %q", "keyhold "+command)}
		}
	}
	for _, word := range words {
		if word == "#" || word == "--" {
			break
		}
		if m := flagWord.FindStringSubmatch(word); m != nil && !flags[command][m[1]] {
			all = append(all, fmt.Sprintf("%q has no flag --%s", strings.TrimSpace("keyhold "+command), m[1]))
		}
	}
	return all
}

func TestFlagsInDocuments(t *testing.T) {
	flags := flagsOf(command())
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range append(files, "../../README.md", "../../SECURITY.md", "../../CONTRIBUTING.md", "../../CHANGELOG.md", "../../clients/README.md") {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range wrongFlags(string(b), flags) {
			t.Errorf("%s: %s", name, wrong)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	flags := flagsOf(command())
	for text, want := range map[string]string{
		"`--data`, `keyhold init --data DIR`, `bin/keyhold key recreate --id X`":           "",
		"`aws kms encrypt --plaintext x`":                                                  "",
		"\n    aws kms encrypt --plaintext x | bin/keyhold decrypt-offline --material y\n": "",
		"`--datas`":               `"keyhold" has no flag --datas`,
		"`keyhold dev --regions`": `"keyhold dev" has no flag --regions`,
		"\n    bin/keyhold serve \\\n        --add x\n": `"keyhold serve" has no flag --add`,
		"`keyhold data`":            "",
		"`keyhold serves --data x`": `there is no command "keyhold serves"`,
		"`bin/keyhold serves`":      `there is no command "keyhold serves"`,
	} {
		if got := strings.Join(wrongFlags(text, flags), "; "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
