package browser

import (
	"fmt"
	"os"
	"slices"
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

// loaded is JavaScript that reports whether a page has loaded its content.
const loaded = `document.querySelector("main h1, main [role=alert]") && !document.querySelector(".loading, [aria-busy=true]")`

// inBothForms are the addresses that the short form also checks in the dark scheme, and under axe-core at 360 pixels.
var inBothForms = []string{"/keys", "/keys/KEY", "/import/KEY"}

// Each page passes the rules of axe-core whose breach is serious, does not scroll sideways, and does not move what it
// shows while it loads: on a wide screen and on one of 360 pixels, in the light scheme and in the dark one.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("%v: run npm ci --prefix browser", err)
	}
	p := newPage(t, startDev(t, "--data", "data"))
	p.open("/keys")
	p.see("Sign in to Keyhold")
	p.watchShifts(true)
	p.checkShifts("the page to sign in", widths[0])
	eval[bool](p, string(source)+`;true`)
	for _, width := range widths {
		p.resize(width)
		p.check("the page to sign in", width, true)
	}
	key := p.carryOut("CreateKey", map[string]any{"Origin": "EXTERNAL", "Description": "a key"})["KeyMetadata"].(map[string]any)["KeyId"].(string)
	p.carryOut("CreateAlias", map[string]any{"AliasName": "alias/a", "TargetKeyId": key})
	p.signIn()
	p.see("1 key on this page.")
	checked := 0
	for _, width := range widths {
		p.resize(width)
		for address := range strings.Lines(strings.TrimSpace(addresses)) {
			address = strings.TrimSpace(address)
			p.watchShifts(false)
			p.visit(strings.ReplaceAll(address, "KEY", key))
			p.until("that "+address+" loads", loaded)
			p.checkShifts(address, width)
			checked += p.check(address, width, whole || slices.Contains(inBothForms, address))
		}
	}
	t.Logf("axe-core checked %d pages; serious findings are errors", checked)
}

// widths are the widths of the screens, in pixels.
var widths = []int64{1280, 360}

// frames is a promise of JavaScript that waits until two frames are drawn.
const frames = `new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`

// resize makes the screen so wide. The browser does not count shifts of the layout in the half second after it.
func (p *page) resize(width int64) {
	p.Helper()
	p.do(chromedp.EmulateViewport(width, 800))
	eval[bool](p, frames)
	eval[bool](p, `new Promise((r) => setTimeout(r, 700, true))`)
}

// check runs axe-core, in all forms or in the light scheme on the wide screen alone, and looks for sideways scrolling. It
// returns the number of runs of axe-core.
func (p *page) check(name string, width int64, all bool) (runs int) {
	p.Helper()
	for _, scheme := range []string{"light", "dark"} {
		if !all && (scheme == "dark" || width < 1000) {
			continue
		}
		p.setScheme(scheme)
		runs++
		found := eval[[]string](p, `(async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
			.filter((v) => v.impact === "serious" || v.impact === "critical")
			.map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html).join(" | ")))()`)
		for _, f := range found {
			p.Errorf("%s, %s, %d pixels: %s", name, scheme, width, f)
		}
	}
	p.setScheme("light")
	if wide := eval[int64](p, `document.documentElement.scrollWidth`); wide > width {
		p.Errorf("%s: %d pixels wide on a screen of %d: %s", name, wide, width, eval[string](p,
			`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map((e) => e.outerHTML.slice(0, 150)).join(" | ")`))
	}
	return runs
}

func (p *page) setScheme(scheme string) {
	p.Helper()
	features := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}, // no colours in between
	}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, features); err != nil {
		p.Fatal(err)
	}
}

// mostShift is the most that the content of a page may move while the page loads: the limit of "good" in the measure
// Cumulative Layout Shift.
const mostShift = 0.1

// watchShifts begins to keep how much the content moves (Layout Instability API): from now on, or since the browser
// loaded the page.
func (p *page) watchShifts(sinceLoad bool) {
	p.Helper()
	eval[bool](p, fmt.Sprintf(`((keep) => {
		globalThis.shifts = [];
		globalThis.shiftObserver?.disconnect();
		globalThis.shiftObserver = new PerformanceObserver((l) => keep(l.getEntries()));
		globalThis.keepShifts = keep;
		globalThis.shiftObserver.observe({type: "layout-shift", buffered: %v});
		return true;
	})((all) => globalThis.shifts.push(...all.map((s) => ({value: s.value, of: s.sources.map((x) => x.node?.outerHTML?.slice(0, 80))}))))`, sinceLoad))
}

func (p *page) checkShifts(name string, width int64) {
	p.Helper()
	eval[bool](p, frames)
	eval[bool](p, `globalThis.keepShifts(globalThis.shiftObserver.takeRecords()), true`)
	if moved := eval[float64](p, `globalThis.shifts.reduce((sum, s) => sum + s.value, 0)`); moved > mostShift {
		p.Errorf("%s, %d pixels: the layout shifts by %.3f: %s", name, width, moved, eval[string](p, `JSON.stringify(globalThis.shifts)`))
	}
}

// TestShiftsAreSeen checks that checkShifts would see a paragraph that comes late.
func TestShiftsAreSeen(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/keys")
	p.see("Sign in to Keyhold")
	p.resize(1280)
	p.watchShifts(false)
	eval[bool](p, `new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => {
		const late = document.createElement("p");
		late.append("\n".repeat(9), "late");
		late.className = "loading";
		document.querySelector("h1").before(late);
		r(true);
	})))`)
	eval[bool](p, frames)
	const seen = `globalThis.keepShifts(globalThis.shiftObserver.takeRecords()), globalThis.shifts.some((s) => s.value > 0.05)`
	p.until("that the shift is seen", seen)
	p.watchShifts(true)
	p.until("that the shift before is seen", seen)
}

// People who want less motion get none.
func TestReducedMotion(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/keys")
	p.see("Sign in to Keyhold")
	for want, lasts := range map[string]bool{"no-preference": true, "reduce": false} {
		features := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: want}}}
		if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, features); err != nil {
			t.Fatal(err)
		}
		if got := eval[string](p, `getComputedStyle(document.querySelector("button")).transitionDuration`); (got != "0s") != lasts {
			t.Errorf("%s: a transition lasts %s", want, got)
		}
	}
}
