package browser

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// administration has the pages of administrators, each with a request that it sends at once.
var administration = []struct{ address, target string }{
	{"/calendar", "KeyholdAdmin.ListKeySummaries"},
	{"/policy?key=1", "TrentService.DescribeKey"},
	{"/explain?tab=refused&request=1", "KeyholdAdmin.ExplainDecision"},
	{"/identities", "KeyholdAdmin.ListIdentities"},
	{"/identity/user/000000000000/a", "KeyholdAdmin.ShowIdentity"},
	{"/audit", "KeyholdAdmin.QueryAudit"},
	{"/audit/1", "KeyholdAdmin.ProveEvent"},
	{"/status", "KeyholdAdmin.Status"},
}

// Each page shows a failure with its name, its request ID and what to do, and can try again.
func TestFailuresOfAdministration(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/keys")
	p.signIn()
	p.see("There are no keys in this Region.")
	for _, one := range administration {
		p.answer(one.target, "500", `{"x-amzn-requestid": "id-of-500"}`, `{"__type": "KMSInternalException", "message": "internal"}`)
		p.visit(one.address)
		p.see("KMSInternalException")
		p.see("id-of-500")
		p.see("What to do")
		p.answer(one.target, "503", `{"x-amzn-requestid": "id-of-503"}`, `<html>no gateway</html>`)
		p.visit("/keys")
		p.visit(one.address)
		p.see("HTTP status 503")
		p.see("id-of-503")
		p.answer(one.target, "400", `{"x-amzn-requestid": "id-of-400"}`, `{"__type": "ThrottlingException", "message": "slow"}`)
		p.press("Try again")
		p.see("ThrottlingException")
		p.see("id-of-400")
		p.visit("/keys")
	}
	closed(p)
	for _, one := range administration {
		p.visit(one.address)
		p.see("The server did not answer.")
		p.visit("/keys")
	}
}

// closed makes all requests of the page fail as a closed connection does.
func closed(p *page) {
	p.Helper()
	eval[bool](p, `window.fetch = async () => { throw new TypeError("Failed to fetch"); }, true`)
}

// A session that the server has ended leads to the page to sign in.
func TestExpiredSessionOfAdministration(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/keys")
	for _, one := range administration {
		p.signIn()
		p.see("There are no keys in this Region.")
		p.answer(one.target, "400", `{}`, `{"__type": "ExpiredTokenException", "message": "expired"}`)
		p.visit(one.address)
		p.see("The session has ended.")
		p.genuine()
		p.visit("/keys")
	}
}

// The pages fit on a screen of 360 pixels.
func TestNarrowPagesOfAdministration(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t, "--data", manyKeys(t, 3)))
	if _, err := chromedp.Call(p.ctx, emulation.SetDeviceMetricsOverride,
		emulation.SetDeviceMetricsOverrideParams{Width: 360, Height: 740, DeviceScaleFactor: 1, Mobile: true}); err != nil {
		t.Fatal(err)
	}
	p.open("/calendar")
	p.call("KeyholdAdmin.PutUser", `{Name: "a-user-with-a-name-that-is-long-for-a-narrow-screen", AccessKeys: 2}`)
	p.signIn()
	for _, address := range []string{
		"/calendar", "/policy?key=00000000-0000-4000-8000-000000000000", "/explain", "/explain?tab=who",
		"/explain?tab=may&action=kms:Decrypt&principal=arn:aws:iam::000000000000:root&key=00000000-0000-4000-8000-000000000000",
		"/identities", "/identity/user/000000000000/a-user-with-a-name-that-is-long-for-a-narrow-screen", "/identity/role/new", "/audit", "/status",
	} {
		p.visit(address)
		settled(p)
		if width := eval[int](p, `document.documentElement.scrollWidth`); width > 360 {
			t.Errorf("%s is %d pixels wide", address, width)
		}
	}
}
