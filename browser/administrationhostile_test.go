package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// hostile is text that runs if a page makes markup of it.
const hostile = `"><img src=x onerror="window.executed=1"><script>window.executed=2</script><svg onload="window.executed=3">`

// Text that came from others is shown as text on the pages of administrators.
func TestHostileTextOfAdministration(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t, "--data", t.TempDir()))
	if _, err := chromedp.Call(p.ctx, emulation.SetUserAgentOverride,
		emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 " + hostile}); err != nil {
		t.Fatal(err)
	}
	p.open("/keys")
	sid := `{"Version": "2012-10-17", "Statement": [{"Sid": ` + quote(hostile) + `, "Effect": "Allow",
		"Principal": {"AWS": "000000000000"}, "Action": "kms:*", "Resource": "*"}]}`
	for _, c := range [][2]string{
		{"CreateKey", `{Description: ` + quote(hostile) + `, Policy: ` + quote(sid) + `}`},
		{"CreateAlias", `{AliasName: "alias/a", TargetKeyId: (await api.call("ListKeys")).Keys[0].KeyId}`},
		{"TagResource", `{KeyId: "alias/a", Tags: [{TagKey: ` + quote(hostile) + `, TagValue: ""}]}`},
		{hostile, `{}`},
		{"Decrypt", `{KeyId: ` + quote(hostile) + `, CiphertextBlob: "AAAA"}`},
		{"KeyholdAdmin.PutRole", `{Name: "r", Description: ` + quote(hostile) + `, Trust: ` + quote(trust(hostile)) + `,
			Tags: [{TagKey: "a", TagValue: "<img src=x onerror=window.executed=4>"}]}`},
		{"KeyholdAdmin.PutPolicy", `{Name: "p", Description: ` + quote(hostile) + `, Document: ` + quote(condition(hostile)) + `}`},
		{"KeyholdAdmin.PutProvider", `{Url: "https://oidc.example.com/a", ClientIds: [` + quote(hostile) + `], Roots: ` + quote(hostile) + `}`},
		{"KeyholdAdmin.PutUser", `{Name: "u", Path: "/<img/src=x/onerror=window.executed=5>/", ManagedPolicies: ["p"]}`},
		{"KeyholdAdmin.PutAccount", `{AccountId: "444455556666", Name: ` + quote(hostile) + `}`},
	} {
		p.call(c[0], c[1])
	}
	p.signIn()
	for _, address := range []string{
		"/audit", "/audit?operation=" + `%22%3E%3Cimg%20src%3Dx%20onerror%3D%22window.executed%3D6%22%3E`,
		"/policy?key=alias/a", "/policy?key=%3Cimg%20src%3Dx%20onerror%3D%22window.executed%3D7%22%3E",
		"/explain?tab=may&action=kms:Decrypt&principal=arn:aws:iam::000000000000:root&key=alias/a",
		"/explain?tab=may&action=kms:Decrypt&principal=arn:aws:iam::000000000000:user/%3Cimg/src=x/onerror=window.executed=5%3E/u&key=alias/a",
		"/identities?kind=user", "/identities?kind=role", "/identities?kind=policy", "/identities?kind=oidc-provider", "/identities?kind=account",
		"/identity/role/000000000000/r", "/identity/policy/000000000000/p", "/identity/oidc-provider/000000000000/oidc.example.com%2Fa",
		"/identity/user/000000000000/u", "/identity/account/444455556666/444455556666",
		"/identity/%3Cimg%20src%3Dx%3E/1/2", "/status", "/calendar", "/calendar?month=%3Cimg%20src%3Dx%3E",
	} {
		p.visit(address)
		settled(p)
	}
	// Each event of the log, as its page shows it.
	p.visit("/audit")
	p.see("Found ")
	links := eval[[]string](p, `[...document.querySelectorAll("main td a")].map((a) => a.hash.slice(1))`)
	if !whole {
		links = links[max(0, len(links)-15):] // the oldest, which the calls above made
	}
	for _, link := range links {
		p.visit(link)
		settled(p)
	}
	checkHarmless(p)
}

func trust(sid string) string {
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Sid": %s, "Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}]}`, quote(sid))
}

func condition(value string) string {
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*",
		"Condition": {"StringEquals": {"aws:RequestTag/a": %s}}}]}`, quote(value))
}

// settled waits until a page has loaded its content, and checks that it made no markup of hostile text.
func settled(p *page) {
	p.Helper()
	p.until("that the page is there", `document.querySelector("h1") && !document.querySelector(".loading")`)
	checkHarmless(p)
}

func checkHarmless(p *page) {
	p.Helper()
	if n := eval[int](p, `Number(window.executed ?? 0) + document.querySelectorAll("img, main script, [onerror], [onload]").length`); n != 0 {
		p.Errorf("%s: hostile text was executed or became markup:\n%s", eval[string](p, "location.hash"), eval[string](p, "document.body.innerHTML"))
	}
}
