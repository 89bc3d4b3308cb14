package browser

import (
	"testing"

	"github.com/chromedp/cdproto/dom"
	devtools "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A person with a keyboard alone signs in, filters the list of keys, creates a key, and imports key material. The focus
// is visible at each stop.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	endpoint := startDev(t)
	p := newPage(t, endpoint)
	folder := p.saveTo()
	chosen := p.interceptFiles()
	p.open("/keys")
	p.see("Sign in to Keyhold")
	p.tabTo("Access key ID")
	p.keys("test")
	p.tabTo("Secret access key")
	p.keys("test" + kb.Enter)

	p.onHeading("Keys")
	p.see("There are no keys in this Region.")
	p.tabTo("Create a key")
	p.keys(kb.Enter)
	p.onHeading("Create a key")
	p.tabTo("Key spec")
	p.keys(kb.ArrowDown)
	p.until("that an arrow chooses the next spec", control("Key spec")+`.value === "RSA_2048"`)
	p.keys(kb.ArrowUp)
	p.tabTo("Alias")
	p.keys("alias/by-keyboard")
	p.tabTo("Multi-Region key")
	p.keys(" ")
	p.until("that the space bar ticks the box", control("Multi-Region key")+`.checked`)
	p.keys(" ")
	p.tabTo("Create the key")
	p.keys(kb.Enter)
	p.until("that the key is shown", `location.hash.startsWith("#/keys/") && document.querySelector(".states")`)
	id := keyOf(p)
	p.onHeading("Key " + id)
	p.tabTo("Use it")
	p.keys(kb.Enter)
	p.see("In programs")

	p.tabTo("Keys") // of the navigation, past the end of the page
	p.keys(kb.Enter)
	p.onHeading("Keys")
	p.see("alias/by-keyboard")
	p.tabTo("State")
	p.keys(kb.ArrowDown)
	p.tabTo("Filter")
	p.keys(" ")
	p.until("that the list is filtered", `location.hash.includes("state=Enabled") && document.body.innerText.includes("1 key on this page.")`)
	p.tabTo("alias/by-keyboard")
	p.keys(kb.Enter)
	p.onHeading("Key " + id)

	p.tabTo("Import key material")
	p.keys(kb.Enter)
	p.onHeading("Import key material")
	p.see("No key waits for key material.")
	p.importByKeyboard(folder, chosen)
	if k := describe(t, client(endpoint), "alias/imported"); k.KeyState != "Enabled" || k.ValidTo == nil {
		t.Errorf("the key is %s, and its key material expires at %v", k.KeyState, k.ValidTo)
	}
}

// importByKeyboard creates a key and imports generated key material into it.
func (p *page) importByKeyboard(folder string, chosen <-chan *devtools.EventFileChooserOpened) {
	p.Helper()
	p.tabTo("Alias")
	p.keys("alias/imported")
	p.tabTo("Create the key")
	p.keys(kb.Enter)
	p.see("Step 2")
	p.until("that the address has the key", `/^#\/import\/[0-9a-f-]{36}$/.test(location.hash)`)
	id := eval[string](p, `location.hash`)[len("#/import/"):]
	p.see(id)
	p.tabTo("Wrapping key spec")
	p.keys(kb.ArrowDown)
	p.tabTo("Download the public key and import token")
	p.keys(kb.Enter)
	p.onHeading("Step 3: Encrypt the key material")
	p.tabTo("Generate")
	p.keys(kb.ArrowDown)
	p.see("File of key material")
	p.keys(kb.ArrowDown)
	p.see("Text of the key material")
	p.keys(kb.ArrowUp + kb.ArrowUp)
	p.tabTo("Generate key material")
	p.keys(kb.Enter)
	p.see("The original")
	p.tabTo("Save the original")
	p.keys(" ")
	path := p.saved(folder, id+".hex")
	p.see("Check the saved file")
	p.tabTo("Check the saved file")
	p.keys(kb.Enter)
	opened := <-chosen
	if _, err := chromedp.Call(p.ctx, dom.SetFileInputFiles, dom.SetFileInputFilesParams{
		Files: []string{path}, BackendNodeID: opened.BackendNodeID}); err != nil {
		p.Fatal(err)
	}
	p.see("The saved file holds this key material.")
	p.tabTo("Encrypt the key material")
	p.keys(kb.Enter)
	p.onHeading("Step 4: Import the key material")
	p.see("alias/imported")
	p.tabTo(expires)
	p.keys(" ")
	p.tabTo("90 days")
	p.keys(kb.Enter)
	p.tabTo("Import the key material")
	p.keys(" ")
	p.onHeading("Imported and proved")
}

// interceptFiles returns the choices of files that the page asks for, which a person would answer in a window of the
// browser.
func (p *page) interceptFiles() <-chan *devtools.EventFileChooserOpened {
	p.Helper()
	opened := make(chan *devtools.EventFileChooserOpened, 1)
	if err := chromedp.Listen(p.ctx, func(event any) {
		if e, ok := event.(*devtools.EventFileChooserOpened); ok {
			opened <- e
		}
	}); err != nil {
		p.Fatal(err)
	}
	if _, err := chromedp.Call(p.ctx, devtools.SetInterceptFileChooserDialog,
		devtools.SetInterceptFileChooserDialogParams{Enabled: true}); err != nil {
		p.Fatal(err)
	}
	return opened
}

// keys presses keys.
func (p *page) keys(all string) {
	p.Helper()
	p.do(chromedp.KeyEvent(all))
}

// A stop is the element that has the focus. Visible says that a person sees it and its outline.
type stop struct {
	Name, HTML string
	Body       bool
	Visible    bool
}

// stopped is JavaScript that returns the stop.
const stopped = `((e) => {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e.closest(".editor .lines") ?? e);
  return {
    Name: (e.getAttribute("aria-label") ?? e.labels?.[0]?.innerText ?? e.innerText ?? e.value ?? "").trim(),
    HTML: e.outerHTML.slice(0, 200), Body: e === document.body,
    Visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.height > 0 &&
      box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
  };
})(document.activeElement ?? document.body)`

// tabTo presses Tab until an element with the name has the focus.
func (p *page) tabTo(name string) {
	p.Helper()
	var names []string
	for range 150 {
		p.keys(kb.Tab)
		s := eval[stop](p, stopped)
		if s.Body {
			continue // the page has come to its end, and begins again
		}
		if !s.Visible {
			p.Errorf("nobody sees the focus on %s", s.HTML)
		}
		if s.Name == name {
			return
		}
		names = append(names, s.Name)
	}
	p.Fatalf("Tab does not come to %q, but to %q", name, names)
}

// onHeading waits until a heading has the focus, from where Tab goes on.
func (p *page) onHeading(text string) {
	p.Helper()
	p.until("that the focus is on the heading "+text, `/^H[12]$/.test(document.activeElement?.tagName) && document.activeElement.innerText === `+quote(text))
}
