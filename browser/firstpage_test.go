package browser

import (
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// requested is JavaScript that returns the paths that the page has fetched and that its HTML does not name.
const requested = `(() => {
	const named = new Set([...document.querySelectorAll("link[href], script[src]")].map((e) => e.href || e.src));
	return performance.getEntriesByType("resource").map((r) => r.name).filter((name) => !named.has(name));
})()`

// The first page needs one round trip after its HTML, which names every other file. A browser that has the files asks
// for the HTML and for what the server computes.
func TestRoundTripsOfTheFirstPage(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/keys")
	for _, kept := range []bool{false, true} {
		if kept {
			p.do(chromedp.Reload())
		}
		p.see("Sign in to Keyhold")
		if late := eval[[]string](p, requested); len(late) > 0 {
			t.Errorf("files that the HTML does not name: %q", late)
		}
		asked := eval[[]string](p, `performance.getEntriesByType("resource").filter((r) => r.transferSize > 0).map((r) => r.name.split("/").pop()).sort()`)
		if want := []string{"remedies.json", "settings.json"}; kept && !slices.Equal(asked, want) {
			t.Errorf("the browser asked again for %q", asked)
		}
	}
}

// TestFirstPage prints how long the first page takes: in tabs of new users, and when the browser has the files.
func TestFirstPage(t *testing.T) {
	needsWhole(t)
	endpoint := startDev(t)
	kinds := []string{"the first page is ready", "with the files in the browser, the first page is ready"}
	took := make([][]time.Duration, len(kinds))
	for range 9 {
		p := newPage(t, endpoint)
		for kind := range kinds {
			begun := time.Now()
			p.do(chromedp.Navigate(p.endpoint + "/console/"))
			p.see("Sign in to Keyhold")
			took[kind] = append(took[kind], time.Since(begun).Round(time.Millisecond))
		}
	}
	for kind, all := range took {
		slices.Sort(all)
		t.Logf("%s after %v (median of %d; from %v to %v)", kinds[kind], all[len(all)/2], len(all), all[0], all[len(all)-1])
	}
}
