package browser

import (
	"encoding/json"
	"fmt"
	"testing"
)

// markup are texts that would run a script if a page took them for markup, code or an address.
var markup = []string{
	`<img src=x onerror="globalThis.ran=1">`,
	`<script>globalThis.ran=2</script>`,
	`"><svg onload=globalThis.ran=3>`,
	`javascript:globalThis.ran=4`,
	`${globalThis.ran=5}`,
	`{{constructor.constructor('globalThis.ran=6')()}}`,
	`{"__html":"<img src=x onerror=globalThis.ran=7>","constructor":null,"type":"script"}`,
	`</textarea><iframe srcdoc="<script>top.ran=8</script>">`,
}

// makeHostileKeys makes a key with markup in every place that takes text, for each of the texts, and returns their IDs.
func makeHostileKeys(p *page) (ids []string) {
	p.Helper()
	for i, text := range markup {
		policy, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Id": text, "Statement": []any{map[string]any{
			"Sid": text, "Effect": "Allow", "Principal": map[string]string{"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}}})
		key := p.carryOut("CreateKey", map[string]any{"Description": text, "Policy": string(policy)})["KeyMetadata"].(map[string]any)
		ids = append(ids, key["KeyId"].(string))
		p.carryOut("CreateAlias", map[string]any{"AliasName": fmt.Sprintf("alias/img-src-x-onerror-%d", i), "TargetKeyId": ids[i]})
		p.carryOut("TagResource", map[string]any{"KeyId": ids[i], "Tags": []any{map[string]string{"TagKey": "javascript:globalThis.ran=9", "TagValue": "data:text/html"}}})
	}
	return ids
}

// Texts of other people never become markup, on no page that shows them.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t, "--data", "data"))
	p.open("/create")
	ids := makeHostileKeys(p)
	p.signIn()
	p.see("Create the key")
	p.visit("/keys")
	for _, text := range markup[:2] {
		p.see(text)
	}
	p.see("javascript:globalThis.ran=9=data:text/html")
	for i, text := range markup {
		p.visit("/keys/" + ids[i])
		p.see(text)
		p.visit("/keys/" + ids[i] + "?tab=aliases")
		p.see(fmt.Sprintf("alias/img-src-x-onerror-%d", i))
		p.visit("/policy?key=" + ids[i])
		p.until("that the policy is shown", `document.querySelector("textarea")?.value.includes(`+quote("Sid")+`)`)
	}
	for _, text := range markup {
		p.visit("/keys/" + encoded(p, text))
		p.see("Request ID")
		p.visit("/audit?principal=" + encoded(p, text))
		p.visit("/explain?tab=may&principal=" + encoded(p, text) + "&action=" + encoded(p, text))
		p.visit("/identity/" + encoded(p, text) + "/" + encoded(p, text) + "/" + encoded(p, text))
		p.see("Identit")
	}
	p.visit("/audit")
	p.see("DescribeKey")
	if ran := eval[string](p, `String(globalThis.ran)`); ran != "undefined" {
		t.Errorf("a script ran: %s", ran)
	}
	if n := eval[int](p, `document.querySelectorAll("main script, main iframe, main [onerror], main [onload]").length`); n != 0 {
		t.Errorf("%d elements were made from text", n)
	}
}

func encoded(p *page, text string) string {
	return eval[string](p, `encodeURIComponent(`+quote(text)+`)`)
}
