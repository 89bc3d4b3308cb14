package browser

import (
	"net/http/httptest"
	"strings"
	"testing"

	devtools "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// A user signs in with an access key, and sees the page of the address.
func TestSignIn(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/keys")
	p.see("Sign in to Keyhold")
	p.signIn()
	p.see("There are no keys in this Region.")
	p.press("Sign out")
	p.see("You are signed out.")
	p.signInAs("test", "wrong")
	p.see("SignatureDoesNotMatch")
	p.see("Request ID")
}

// startWithIssuer starts a server whose users sign in with an issuer.
func startWithIssuer(t *testing.T) (*issuer, *page) {
	t.Helper()
	i := newIssuer(t)
	return i, newPage(t, startDev(t, "--seed", i.seed(), "--console-issuers", clientID+"@"+i.URL))
}

const people = "arn:aws:iam::000000000000:role/people"

// A user signs in at the issuer, and returns to the page of the address with a session of a role.
func TestSignInByOIDC(t *testing.T) {
	t.Parallel()
	i, p := startWithIssuer(t)
	p.open("/keys")
	p.fill("ARN of your role", people)
	p.press("Go to the issuer")
	p.see("There are no keys in this Region.")
	p.see("assumed-role/people/alice@example.org")
	if at := eval[string](p, `location.href`); at != p.endpoint+"/console/#/keys" {
		t.Errorf("the address is %s", at)
	}
	if kept := eval[string](p, `JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])`); kept != `[{},{},""]` {
		t.Errorf("the browser keeps %s", kept)
	}
	for _, r := range p.sent() {
		if !strings.HasPrefix(r.url, p.endpoint) && !strings.HasPrefix(r.url, i.URL) {
			t.Errorf("a request to %s", r.url)
		}
	}
	p.visit("/create")
	p.press("Create the key")
	p.see("AccessDeniedException")
}

// Answers of an issuer that do not belong to a sign-in of the tab are refused, and so are tokens for another one.
func TestRefusedSignInByOIDC(t *testing.T) {
	t.Parallel()
	i, p := startWithIssuer(t)
	p.do(chromedp.Navigate(p.endpoint + "/console/?code=stolen&state=guessed"))
	p.see("SignInMismatch")
	i.set(func() { i.refuse = true })
	p.fill("ARN of your role", people)
	p.press("Go to the issuer")
	p.see("access_denied. <b>not you</b>")
	i.set(func() { i.refuse, i.nonce = false, "another" })
	p.fill("ARN of your role", people)
	p.press("Go to the issuer")
	p.see("The token is not for this sign-in")
	i.set(func() { i.nonce = "" })
	p.fill("ARN of your role", "arn:aws:iam::000000000000:role/reader")
	p.press("Go to the issuer")
	p.see("AccessDenied")
	for _, r := range p.sent() {
		if strings.Contains(r.body, "stolen") {
			t.Errorf("the page redeemed a code that it did not ask for: %s", r.url)
		}
	}
}

// The page sends codes to the origins that the server declares for the issuer, and to no other.
func TestTokenEndpointOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	other := httptest.NewTLSServer(i.Config.Handler)
	t.Cleanup(other.Close)
	i.set(func() { i.tokens = other.URL })
	asked := func(p *page) (n int) {
		for _, r := range p.sent() {
			if strings.HasPrefix(r.url, other.URL) {
				n++
			}
		}
		return n
	}
	p := newPage(t, startDev(t, "--seed", i.seed(), "--console-issuers", clientID+"@"+i.URL))
	p.open("/keys")
	p.fill("ARN of your role", people)
	p.press("Go to the issuer")
	p.see("The token endpoint of " + i.URL + " is at " + other.URL)
	p.see(clientID + "@" + i.URL + " " + other.URL)
	if n := asked(p); n != 0 {
		t.Errorf("%d requests to an origin that is not declared", n)
	}
	p = newPage(t, startDev(t, "--seed", i.seed(), "--console-issuers", clientID+"@"+i.URL+" "+other.URL))
	p.open("/keys")
	p.fill("ARN of your role", people)
	p.press("Go to the issuer")
	p.see("assumed-role/people/alice@example.org")
	if asked(p) == 0 {
		t.Error("the page did not ask the token endpoint")
	}
}

// A user switches to a role, which has fewer rights, and returns.
func TestSwitchRole(t *testing.T) {
	t.Parallel()
	_, p := startWithIssuer(t)
	p.open("/create")
	p.signInAs("AKIAALICE", "alice")
	p.press("Switch role")
	p.fill("ARN of the role", "arn:aws:iam::000000000000:role/none")
	p.press("Switch")
	p.see("AccessDenied")
	p.fill("ARN of the role", "arn:aws:iam::000000000000:role/reader")
	p.press("Switch")
	p.see("assumed-role/reader/console")
	p.press("Create the key")
	p.see("AccessDeniedException")
	p.press("Back to alice")
	p.press("Create the key")
	p.until("that the key is made", `location.hash.startsWith("#/keys/")`)
}

// The secret access key is in no request, and nothing of the session is in the storage of the browser.
func TestNoSecretLeavesThePage(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-that-is-nowhere-else"
	p := newPage(t, startDev(t, "--any-credentials"))
	p.open("/keys")
	p.signInAs("AKIASOMEBODY", secret)
	p.see("There are no keys in this Region.")
	if len(p.sent()) < 10 {
		t.Fatalf("only %d requests were seen", len(p.sent()))
	}
	for _, r := range p.sent() {
		if strings.Contains(r.url+r.headers+r.body, secret) {
			t.Errorf("the secret is in %v", r)
		}
		if strings.Contains(strings.ToLower(r.headers), `"cookie"`) || !strings.HasPrefix(r.url, p.endpoint) {
			t.Errorf("%s, %s", r.url, r.headers)
		}
	}
	kept := eval[string](p, `(async () => JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie, await indexedDB.databases()]))()`)
	if kept != `[{},{},"",[]]` {
		t.Errorf("the browser keeps %s", kept)
	}
	if eval[bool](p, `document.documentElement.outerHTML.includes(`+quote(secret)+`)`) {
		t.Error("the secret is in the page")
	}
}

// Without the functions of cryptography the page says why it does nothing.
func TestWithoutCryptography(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	if _, err := chromedp.Call(p.ctx, devtools.AddScriptToEvaluateOnNewDocument, devtools.AddScriptToEvaluateOnNewDocumentParams{
		Source: `Object.defineProperty(Crypto.prototype, "subtle", {value: undefined})`,
	}); err != nil {
		t.Fatal(err)
	}
	p.open("/keys")
	p.see("This page needs HTTPS")
	p.see("keyhold dev --tls")
}
