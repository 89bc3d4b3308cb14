package keyhold_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const clientsPage = "docs/clients.md"

// A clientRow is a row of the table in docs/clients.md.
type clientRow struct{ client, endpoint, authority, run string }

var (
	clientsTable = regexp.MustCompile(`(?m)^\| client \| endpoint \| authority \| run \|\n\|[-|]+\|\n((?:\|.*\n)+)`)
	localLink    = regexp.MustCompile(`\]\(#([^)\s]+)\)`)
	byHand       = regexp.MustCompile(`^by hand(, [\w. /-]+)?$`)
	setting      = regexp.MustCompile("`([^`]+)`")
)

// clientRows returns the rows of the table.
func clientRows(text string) (rows []clientRow) {
	table := clientsTable.FindStringSubmatch(text)
	if table == nil {
		return nil
	}
	for line := range strings.Lines(table[1]) {
		if f := strings.Split(line, " | "); len(f) == 4 {
			rows = append(rows, clientRow{strings.TrimPrefix(f[0], "| "), f[1], f[2], strings.TrimSuffix(strings.TrimSpace(f[3]), " |")})
		} else {
			rows = append(rows, clientRow{client: line})
		}
	}
	return rows
}

// recipes returns the sections of the page that are recipes, by their anchors.
func recipes(text string) map[string]string {
	all := map[string]string{}
	for _, section := range strings.Split(text, "\n### ")[1:] {
		section, _, _ = strings.Cut(section, "\n## ")
		title, body, _ := strings.Cut(section, "\n")
		all[anchors("# " + title)[0]] = body
	}
	return all
}

// clientFaults compares the page with the folders of the clients in this repository, and
// returns what the page lacks.
func clientFaults(text string, folders []string) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	all, used := recipes(text), map[string]bool{}
	rows := clientRows(text)
	for _, row := range rows {
		link := localLink.FindStringSubmatch(row.client)
		if link == nil || all[link[1]] == "" {
			fault("no recipe for the row %q", row.client)
			continue
		}
		used[link[1]] = true
		for _, m := range setting.FindAllStringSubmatch(row.endpoint+row.authority, -1) {
			if !strings.Contains(all[link[1]], m[1]) {
				fault("the recipe for %s does not name %s", row.client, m[1])
			}
		}
		if strings.Contains(row.authority, "trust store") && !strings.Contains(all[link[1]], "trust store") {
			fault("the recipe for %s does not name the trust store", row.client)
		}
		if !byHand.MatchString(row.run) && !strings.Contains(row.run, "`make ") {
			fault("%s: %q does not say where it ran", row.client, row.run)
		}
	}
	for anchor := range all {
		if !used[anchor] {
			fault("no row for the recipe %s", anchor)
		}
	}
	for _, folder := range folders {
		if !slices.ContainsFunc(rows, func(r clientRow) bool { return strings.Contains(r.run, "](../"+folder+")") }) {
			fault("no row for %s", folder)
		}
	}
	slices.Sort(faults)
	return faults
}

// Each client has a row and a recipe, and the recipe has the settings of the row. Links are
// held by TestDocuments.
func TestClientsPage(t *testing.T) {
	all, text := repository(t)
	var folders []string
	for name := range all.files {
		parent := path.Dir(name)
		if (parent == "clients" || parent == "clients/installed") && name != "clients/installed" && text[name] == "" {
			folders = append(folders, name)
		}
	}
	if len(folders) < 4 {
		t.Fatalf("only the clients %q were found", folders)
	}
	for _, fault := range clientFaults(text[clientsPage], folders) {
		t.Error(fault)
	}
	if first := text["README.md"][:1000]; !strings.Contains(first, "AWS_ENDPOINT_URL_KMS") || !strings.Contains(first, clientsPage) {
		t.Errorf("the first screen of README.md names neither the variable nor %s", clientsPage)
	}
	t.Attr("ran", fmt.Sprintf("%d rows of clients", len(clientRows(text[clientsPage]))))
}

// Each kind of fault is found.
func TestFaultsOfClientsPage(t *testing.T) {
	page := func(row, recipe string) string {
		return "# Clients\n\n| client | endpoint | authority | run |\n|---|---|---|---|\n" + row + "\n\n## Recipes\n\n### SOPS\n\n" + recipe + "\n\n## End\n\n`AWS_CA_BUNDLE`, trust store\n"
	}
	const good = "| [SOPS](#sops) | `AWS_ENDPOINT_URL_KMS` | `AWS_CA_BUNDLE`, trust store | [`make clients`](../clients/installed/sops) |"
	const recipe = "Set `AWS_ENDPOINT_URL_KMS`, `AWS_CA_BUNDLE` and the trust store."
	for text, want := range map[string]string{
		page(good, recipe): "",
		page(strings.Replace(good, "#sops", "#other", 1), recipe):           "no recipe for the row \"[SOPS](#other)\"; no row for the recipe sops",
		page(good, "Set `AWS_ENDPOINT_URL_KMS` and the trust store."):       "the recipe for [SOPS](#sops) does not name AWS_CA_BUNDLE",
		page(good, "Set `AWS_ENDPOINT_URL_KMS` and `AWS_CA_BUNDLE`."):       "the recipe for [SOPS](#sops) does not name the trust store",
		page(strings.Replace(good, "/sops)", "/step)", 1), recipe):          "no row for clients/installed/sops",
		page(good[:strings.LastIndex(good, "[")]+"sometimes |", recipe):     "[SOPS](#sops): \"sometimes\" does not say where it ran; no row for clients/installed/sops",
		page(good, recipe+"\n\n### step\n\nNothing."):                       "no row for the recipe step",
		strings.Replace(page(good, recipe), "| client |", "| clients |", 1): "no row for clients/installed/sops; no row for the recipe sops",
	} {
		if got := strings.Join(clientFaults(text, []string{"clients/installed/sops"}), "; "); got != want {
			t.Errorf("%q, want %q, of\n%s", got, want, text)
		}
	}
}
