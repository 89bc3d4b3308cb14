package browser

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// addresses has an address of each page; KEY is a key.
const addresses = `
/
/keys
/keys?state=Disabled
/create
/keys/KEY
/keys/KEY/material
/keys/KEY?tab=aliases
/keys/KEY?tab=tags
/keys/KEY?tab=grants
/keys/KEY?tab=use
/keys/none
/policy?key=KEY
/policy
/import
/import/KEY
/calendar
/explain
/identities
/identity/role/new
/audit
/status
/none
`

// loaded is JavaScript that says whether a page has loaded what it shows.
const loaded = `document.querySelector("main h1, main [role=alert]") && !document.querySelector(".loading, [aria-busy=true]")`

// Each page, in the colour schemes of check and on a narrow screen, passes the rules of axe-core whose breach is serious, and
// does not scroll sideways.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("%v: run npm ci --prefix browser", err)
	}
	p := newPage(t, startDev(t, "--data", "data"))
	p.open("/keys")
	p.see("Sign in to Keyhold")
	eval[bool](p, string(source)+`;true`)
	check(p, "the page to sign in")
	key := p.carryOut("CreateKey", map[string]any{"Origin": "EXTERNAL", "Description": "a key"})["KeyMetadata"].(map[string]any)["KeyId"].(string)
	p.carryOut("CreateAlias", map[string]any{"AliasName": "alias/a", "TargetKeyId": key})
	p.signIn()
	p.see("1 key on this page.")
	for address := range strings.Lines(strings.TrimSpace(addresses)) {
		p.visit(strings.ReplaceAll(strings.TrimSpace(address), "KEY", key))
		p.until("that "+address+" loads", loaded)
		check(p, address)
	}
}

// check runs axe-core, in both colour schemes or in the short form in the light one, and looks for sideways scrolling at 360 px.
func check(p *page, name string) {
	p.Helper()
	for _, scheme := range []string{"light", "dark"} {
		feature := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, feature); err != nil {
			p.Fatal(err)
		}
		found := eval[[]string](p, `(async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
			.filter((v) => v.impact === "serious" || v.impact === "critical")
			.map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html).join(" | ")))()`)
		for _, f := range found {
			p.Errorf("%s, %s: %s", name, scheme, f)
		}
		if !whole {
			break
		}
	}
	p.do(chromedp.EmulateViewport(360, 740))
	if wide := eval[int](p, `document.documentElement.scrollWidth`); wide > 360 {
		p.Errorf("%s: %d pixels wide on a screen of 360: %s", name, wide, eval[string](p,
			`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > 361).slice(0, 3).map((e) => e.outerHTML.slice(0, 150)).join(" | ")`))
	}
	p.do(chromedp.ResetViewport())
}
