package browser

import (
	"strings"
	"testing"
	"time"
)

// A user makes a key, uses it, gives it an alias and tags, moves the alias to another key, and schedules its deletion.
func TestLifeOfAKey(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/create")
	p.signIn()
	p.fill("Alias", "alias/first")
	p.fill("Description", "the first key")
	p.press("Create the key")
	p.see("the first key")
	first := keyOf(p)
	p.press("Use it")
	p.fill("Text for Encrypt", "Schlüssel 🔑")
	p.press("Encrypt")
	p.see("CiphertextBlob:")
	ciphertext := eval[string](p, `document.querySelector("[role=status] pre").innerText`)
	p.fill("CiphertextBlob in base64", ciphertext)
	p.press("Decrypt")
	p.see("Plaintext:")
	p.see("Schlüssel 🔑")
	p.fill("CiphertextBlob in base64", "AAAA")
	p.press("Decrypt")
	p.see("InvalidCiphertextException")
	p.see("What to do")
	p.press("Tags")
	p.see("The key has no tags.")
	p.fill("Name of the tag", "team")
	p.fill("Value of the tag", "payroll")
	p.press("Save the tag")
	p.press("Remove team")
	p.see("The key has no tags.")
	p.press("Grants")
	p.see("There are no grants on this key.")

	p.visit("/create")
	p.fill("Description", "the second key")
	p.press("Create the key")
	p.see("the second key")
	second := keyOf(p)
	p.visit("/keys/" + first + "?tab=aliases")
	p.press("Move to another key")
	p.fill("To the key", second)
	p.press("Show what changes")
	p.see("From then on, requests that name alias/first use the new key")
	p.press("Move the alias")
	p.see("The key has no alias.")
	p.visit("/keys/" + second + "?tab=aliases")
	p.see("alias/first")

	p.visit("/keys?alias=first")
	p.see("1 key on this page.")
	p.visit("/keys?state=Disabled")
	p.see("No key fits.")
	p.visit("/keys/" + second)
	p.press("Disable")
	p.press("Enable")
	p.press("Schedule deletion")
	p.press("Schedule the deletion")
	p.press("Cancel the deletion")
	p.press("Enable")
}

// keyOf returns the ID of the key that the page shows.
func keyOf(p *page) string {
	p.Helper()
	p.until("that the address names a key", `/^#\/keys\/[0-9a-f-]{36}/.test(location.hash)`)
	return strings.Split(eval[string](p, `location.hash`), "/")[2]
}

// Errors of the server are shown with their request ID and remedy, and the page goes on.
func TestErrors(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/keys/11111111-2222-3333-4444-555555555555")
	p.signIn()
	p.see("NotFoundException")
	p.see("no such key exists in this account and Region")
	p.see("Request ID")
	p.visit("/none")
	p.see("There is no such page")
	// A proxy that fails, and a connection that is closed.
	eval[bool](p, `globalThis.realFetch = fetch, globalThis.fetch = async () => new Response("<h1>Bad Gateway</h1>", {status: 502}), true`)
	p.visit("/keys")
	p.see("HTTP status 502")
	eval[bool](p, `globalThis.fetch = async () => { throw new TypeError("closed") }, true`)
	p.press("Try again")
	p.see("The server did not answer.")
	eval[bool](p, `globalThis.fetch = realFetch, true`)
	p.press("Try again")
	p.see("There are no keys in this Region.")
	// The server says that the session has ended.
	eval[bool](p, `globalThis.fetch = async () => new Response(JSON.stringify({__type: "ExpiredTokenException", message: "The security token included in the request is expired"}), {status: 400}), true`)
	p.visit("/create")
	p.press("Create the key")
	p.see("The session has ended.")
	eval[bool](p, `globalThis.fetch = realFetch, true`)
	p.signIn()
	p.see("Create a key")
}

// The policy of the page stops scripts and connections from elsewhere, and the tests see each violation.
func TestPolicyOfThePage(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/keys")
	p.see("Sign in to Keyhold")
	for _, attempt := range []string{
		`document.body.innerHTML = "<img src=x onerror='globalThis.ran = true'>"`,
		`(0, eval)("globalThis.ran = true")`,
		`((s) => { s.textContent = "globalThis.ran = true"; document.body.append(s) })(document.createElement("script"))`,
		`trustedTypes.createPolicy("default", {createHTML: (s) => s})`,
		`((a) => { a.href = "javascript:globalThis.ran=true"; document.body.append(a); a.click() })(document.createElement("a"))`,
		`fetch("http://127.0.0.1:9/").then(() => { globalThis.ran = true }, () => 0)`,
		`((i) => { i.src = "http://127.0.0.1:9/x.png"; document.body.append(i) })(document.createElement("img"))`,
	} {
		before := len(p.seen())
		// In a timer, because the protocol of the browser may evaluate what the page may not.
		eval[bool](p, `setTimeout(() => { try { `+attempt+` } catch { } }), true`)
		p.untilGo("that this is reported: "+attempt, func() bool { return len(p.seen()) > before })
	}
	if eval[bool](p, `globalThis.ran === true`) {
		t.Error("a script ran")
	}
	p.forget()
}

// untilGo waits until a condition holds.
func (p *page) untilGo(what string, holds func() bool) {
	p.Helper()
	for begun := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > patience {
			p.Fatalf("%s did not happen", what)
		}
	}
}

// forget removes the faults that a test has caused itself.
func (p *page) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}
