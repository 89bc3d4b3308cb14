package browser

import (
	"fmt"
	"strings"
	"testing"
)

// The list of keys has pages of 100, and its filters find one of many keys: 250, or 100,000 in make console.
func TestKeysInPages(t *testing.T) {
	t.Parallel()
	keys := 250
	if whole {
		keys = 100_000
	}
	p := newPage(t, startDev(t, "--data", manyKeys(t, keys)))
	p.open("/create")
	p.see("Sign in to Keyhold")
	p.carryOut("CreateAlias", map[string]any{"AliasName": "alias/the-one", "TargetKeyId": p.carryOut("CreateKey",
		map[string]any{"Description": "the one", "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"})["KeyMetadata"].(map[string]any)["KeyId"]})
	p.signIn()
	p.see("Create the key")
	p.visit("/keys")
	p.see("100 keys on this page.")
	first := eval[string](p, `document.querySelector("tbody a").href`)
	p.press("Next page")
	p.until("that the next page is shown", `document.querySelector("tbody a") && document.querySelector("tbody a").href !== `+quote(first))
	p.see("100 keys on this page.")
	p.visit("/keys?spec=HMAC_256")
	for pressed := 0; ; pressed++ {
		p.until("that the search ends or pauses", loaded+` && /1 key on this page|Search on/.test(document.body.innerText)`)
		if strings.Contains(p.text(), "the one") {
			break
		}
		if pressed > keys/5000 {
			t.Fatal("the key is not found")
		}
		p.press("Search on")
	}
}

// Every page can be shown with no key and with three, and in the long form with 100,000, and does not move what it shows
// while it loads.
func TestPagesOfKeys(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 3}
	if whole {
		sizes = append(sizes, 100_000)
	}
	for _, keys := range sizes {
		p := newPage(t, startDev(t, "--data", manyKeys(t, keys)))
		p.open("/create")
		p.signIn()
		p.see("Create the key")
		for address := range strings.Lines(strings.TrimSpace(addresses)) {
			address = strings.TrimSpace(address)
			p.watchShifts(false)
			p.visit(strings.ReplaceAll(address, "KEY", "00000000-0000-4000-8000-000000000000"))
			p.until("that "+address+" loads", loaded)
			p.checkShifts(fmt.Sprintf("%s with %d keys", address, keys), 1280)
		}
	}
}
