package browser

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The calendar counts keys by month, in the time zone of the browser and in UTC.
func TestCalendar(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	zone := emulation.SetTimezoneOverrideParams{TimezoneID: "America/New_York"}
	if _, err := chromedp.Call(p.ctx, emulation.SetTimezoneOverride, zone); err != nil {
		t.Fatal(err)
	}
	p.open("/calendar")
	p.signIn()
	p.see("No key material expires.")

	// 02:00 in UTC on the first of a month is the last day of the month before in New York.
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month()+3, 1, 2, 0, 0, 0, time.UTC)
	before := first.AddDate(0, 0, -1)
	importKey(t, p.endpoint, "alias/edge", first.Format(time.RFC3339))
	importKey(t, p.endpoint, "alias/later", first.AddDate(0, 1, 10).Format(time.RFC3339))
	importKey(t, p.endpoint, "alias/latest", first.AddDate(0, 1, 10).Format(time.RFC3339))
	p.visit("/keys")
	p.visit("/calendar")
	p.see("3 keys have material that expires.")
	p.until("that the month has a key in local time", count(before, 1)+"&&"+count(first, 0))
	eval[bool](p, control("UTC")+".click(), true")
	p.until("that the month has a key in UTC", count(before, 0)+"&&"+count(first, 1))

	// The table of values is the same for people who do not see the plot.
	p.press("Values as a table")
	p.see("keys")
	next := first.AddDate(0, 1, 10)
	p.visit("/calendar?month=" + next.Format("2006-01"))
	p.see("Keys in " + next.Format("Jan 2006"))
	day := `document.querySelector("a.day[href$='day=` + next.Format(time.DateOnly) + `']")`
	p.until("that the day has two keys", day+`?.innerText.replace(/\s+/g, " ").includes("2 keys on `+next.Format(time.DateOnly)+`")`)
	eval[bool](p, day+".click(), true")
	p.see("Keys on " + next.Format(time.DateOnly))
	p.see("alias/later")
	p.see("alias/latest")
	p.lacks("alias/edge")
}

// count is JavaScript that reports whether a month has n keys.
func count(month time.Time, n int) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".months a")].some((a) => a.innerText.trim() === %q)`,
		fmt.Sprintf("%s %d", month.Format("Jan 2006"), n))
}

// The calendar reads all of 100,000 keys and stays usable, and so do the other pages of administrators.
func TestManyKeysOfAdministration(t *testing.T) {
	t.Parallel()
	n := 450 // three pages
	if whole {
		n = 100_000
	}
	p := newPage(t, startDev(t, "--data", manyKeys(t, n)))
	p.open("/calendar")
	p.signIn()
	p.until("that all keys are read", fmt.Sprintf(`document.body.innerText.replaceAll(",", "").includes("%d keys have material")`, n))
	total := eval[int](p, `[...document.querySelectorAll(".months .count")].reduce((n, c) => n + Number(c.innerText), 0)`)
	if total != n {
		t.Errorf("the months have %d keys", total)
	}
	p.press("Show 100 more of " + fmt.Sprint(eval[int](p, `Number([...document.querySelectorAll("button")]
		.map((b) => b.innerText.match(/^Show 100 more of (\d+)$/)).find(Boolean)[1])`)))
	p.until("that 200 keys are shown", `document.querySelectorAll("table:not(.month) tbody tr a[href^='#/keys/']").length === 200`)
	for _, address := range []string{"/status", "/audit", "/identities", "/explain?tab=who",
		"/policy?key=00000001-0000-4000-8000-000000000000"} {
		p.visit(address)
		settled(p)
		p.until("that nothing failed", `!document.querySelector(".failure")`)
	}
}
