package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// shots are the pages of the screenshots, by the names of the files.
const shots = `
keys       /keys
key        /keys/KEY
use        /keys/KEY?tab=use
import     /import
calendar   /calendar
audit      /audit
`

// TestScreenshots writes screenshots of six pages, and prints how long the first page takes. Only make console runs it.
func TestScreenshots(t *testing.T) {
	if !whole {
		t.Skip("make console runs this")
	}
	folder := os.Getenv("KEYHOLD_CONSOLE")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	p := newPage(t, startDev(t, "--data", "data"))
	for range 3 {
		begun := time.Now()
		p.do(chromedp.Navigate(p.endpoint + "/console/"))
		p.see("Sign in to Keyhold")
		t.Logf("the first page is ready after %v", time.Since(begun).Round(time.Millisecond))
	}
	key := p.carryOut("CreateKey", map[string]any{"Description": "payroll, production"})["KeyMetadata"].(map[string]any)["KeyId"].(string)
	p.carryOut("CreateAlias", map[string]any{"AliasName": "alias/payroll", "TargetKeyId": key})
	for i := range 20 {
		p.carryOut("CreateKey", map[string]any{"Description": fmt.Sprintf("archive %d", i), "Origin": "EXTERNAL"})
	}
	p.signIn()
	for line := range strings.Lines(strings.TrimSpace(shots)) {
		name, address, _ := strings.Cut(strings.TrimSpace(line), " ")
		p.visit(strings.ReplaceAll(strings.TrimSpace(address), "KEY", key))
		p.until("that "+name+" loads", loaded)
		png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

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
