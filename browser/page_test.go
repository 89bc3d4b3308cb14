package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A page is a tab of the browser, with cookies and storage of its own. Its methods fail the test.
type page struct {
	*testing.T
	ctx      context.Context
	endpoint string

	mu       sync.Mutex
	faults   []string // exceptions, and violations of the Content-Security-Policy
	requests []request
}

// A request is a request that the page sent.
type request struct{ method, url, headers, body string }

// newPage opens a tab for the server at an endpoint. When the test ends, exceptions of the page and violations of its
// policy fail the test.
func newPage(t *testing.T, endpoint string) *page {
	t.Helper()
	p := &page{T: t, endpoint: endpoint}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	p.ctx = ctx
	t.Cleanup(func() {
		cancel()
		for _, f := range p.seen() {
			t.Errorf("in the page: %s", f)
		}
	})
	if err := chromedp.Listen(ctx, p.note); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, struct{}{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return p
}

// note keeps an event.
func (p *page) note(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		p.faults = append(p.faults, text)
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" && e.Entry.Source != "network" {
			p.faults = append(p.faults, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		r := request{method: e.Request.Method, url: e.Request.URL}
		headers, _ := json.Marshal(e.Request.Headers)
		r.headers = string(headers)
		for _, part := range e.Request.PostDataEntries {
			r.body += string(part.Bytes)
		}
		p.requests = append(p.requests, r)
	}
}

// seen returns the faults so far.
func (p *page) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.faults...)
}

// sent returns the requests so far.
func (p *page) sent() []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]request(nil), p.requests...)
}

// do runs actions.
func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// open loads a page of the console by its address after #, as "/keys".
func (p *page) open(address string) {
	p.Helper()
	p.do(chromedp.Navigate(p.endpoint + "/console/#" + address))
}

// visit goes to another page of the console, as a link does.
func (p *page) visit(address string) {
	p.Helper()
	eval[bool](p, `location.hash = `+quote("#"+address)+`, true`)
}

// eval returns the value of an expression, which may be a promise.
func eval[T any](p *page, expression string) T {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits until an expression is true. what names the event for the failure message.
func (p *page) until(what, expression string) {
	p.Helper()
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
		// While another page loads there is no document, or none that has begun.
		holds, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && holds {
			return
		}
	}
	p.Fatalf("%s did not happen. Faults: %q. The page shows:\n%s", what, p.seen(), p.text())
}

// text returns what the page shows.
func (p *page) text() string {
	p.Helper()
	return eval[string](p, `document.body?.innerText ?? ""`)
}

// see waits until the page shows a text.
func (p *page) see(text string) {
	p.Helper()
	p.until(fmt.Sprintf("that the page shows %q", text), `document.body?.innerText.includes(`+quote(text)+`)`)
}

// lacks checks that the page does not show a text.
func (p *page) lacks(text string) {
	p.Helper()
	if shown := p.text(); strings.Contains(shown, text) {
		p.Errorf("the page shows %q:\n%s", text, shown)
	}
}

// find is JavaScript that finds the visible elements with a text or a label.
const find = `(selector, name) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility() &&
  [e.getAttribute("aria-label"), e.innerText, e.value].some((n) => typeof n === "string" && n.trim() === name))`

// press presses a button or follows a link by its name, as soon as it can be pressed.
func (p *page) press(name string) {
	p.Helper()
	found := `(` + find + `)("button, a, summary, [role=tab]", ` + quote(name) + `).filter((e) => !e.disabled)`
	p.until(fmt.Sprintf("that %q can be pressed", name), `((e) => Boolean(e) && (e.click(), true))(`+found+`[0])`)
}

// control is JavaScript that returns the control with a label.
func control(label string) string {
	return `([...document.querySelectorAll("label")].find((l) => l.checkVisibility() && ` +
		`l.innerText.trim() === ` + quote(label) + `)?.control)`
}

// fill sets the value of a field by its label, as typing or choosing does.
func (p *page) fill(label, value string) {
	p.Helper()
	p.until(fmt.Sprintf("that there is a field %q", label), control(label))
	eval[bool](p, `((c) => {
		if (c.type === "checkbox") { if (c.checked !== (`+quote(value)+` === "on")) c.click(); return true; }
		c.value = `+quote(value)+`;
		c.dispatchEvent(new Event("input", {bubbles: true}));
		c.dispatchEvent(new Event("change", {bubbles: true}));
		return c.value === `+quote(value)+`;
	})(`+control(label)+`)`)
}

// signIn signs in to a dev server.
func (p *page) signIn() {
	p.Helper()
	p.signInAs("test", "test")
}

func (p *page) signInAs(id, secret string) {
	p.Helper()
	p.fill("Access key ID", id)
	p.fill("Secret access key", secret)
	p.press("Sign in")
}

// carryOut carries out an operation with the credentials test / test, and returns the answer.
func (p *page) carryOut(target string, body map[string]any) (answer map[string]any) {
	p.Helper()
	input, _ := json.Marshal(body)
	if err := json.Unmarshal([]byte(p.call(target, string(input))), &answer); err != nil || answer["__type"] != nil || answer["name"] != nil {
		p.Fatalf("%s: %v, %v", target, err, answer)
	}
	return answer
}

// quote returns a text as a literal of JavaScript.
func quote(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}
