package browser

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// provable returns the endpoint of a dev server whose log has a signed checkpoint of its events: a key was created, and
// the server was started again.
func provable(t *testing.T) (endpoint string) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, "dev", "--addr", "127.0.0.1:0", "--data", data)
	p := newPage(t, s.Endpoint)
	p.open("/")
	for _, description := range []string{"first", "second"} {
		p.call("CreateKey", `{Description: `+quote(description)+`}`)
	}
	if err := s.End(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return startDev(t, "--data", data)
}

// A search finds events, and the page verifies that one is in the log. It notices a proof that was altered.
func TestAudit(t *testing.T) {
	t.Parallel()
	p := newPage(t, provable(t))
	p.open("/audit")
	p.signIn()
	p.see("CreateKey")
	p.fill("Operation", "CreateKey")
	p.fill("Outcome", "failure")
	p.press("Search")
	p.see("No event fulfils the conditions.")
	p.fill("Outcome", "")
	p.press("Search")
	p.see("Found 2 events.")
	p.press("CreateKey")
	p.see("proved, by the key of the server")
	p.see(`"eventName": "CreateKey"`)
	p.press("I have compared this key: pin it")
	p.until("that the pinned key proves", `[...document.querySelectorAll(".badge.good")].some((b) => b.innerText === "proved")`)

	address := eval[string](p, `location.hash.slice(1)`)
	for what, change := range alterations(t, p, address) {
		p.answer("KeyholdAdmin.ProveEvent", "200", "{}", change)
		p.visit("/audit")
		p.see("The log")
		p.visit(address)
		p.until("that "+what+" is not proved", `document.body.innerText.includes("not proved")`)
		if eval[bool](p, `[...document.querySelectorAll(".badge")].some((b) => b.innerText.startsWith("proved"))`) {
			t.Errorf("%s is proved", what)
		}
	}
}

// alterations returns altered answers of ProveEvent for the event of a page.
func alterations(t *testing.T, p *page, address string) map[string]string {
	t.Helper()
	id, _, _ := strings.Cut(strings.TrimPrefix(address, "/audit/"), "?")
	genuine := p.call("KeyholdAdmin.ProveEvent", `{EventId: `+quote(id)+`}`)
	all := map[string]string{}
	for what, change := range map[string]func(event, log map[string]any, answer map[string]any){
		"another line": func(event, _, _ map[string]any) {
			event["Line"] = strings.Replace(event["Line"].(string), `"description":"`, `"description":"x`, 1)
		},
		"another event": func(event, _, _ map[string]any) {
			event["Line"] = strings.Replace(event["Line"].(string), `"eventID":"`, `"eventID":"0`, 1)
		},
		"another index": func(_, _, answer map[string]any) {
			answer["Proof"] = strings.Replace(answer["Proof"].(string), "\nindex ", "\nindex 1", 1)
		},
		"another hash": func(_, _, answer map[string]any) {
			lines := strings.Split(answer["Proof"].(string), "\n")
			lines[2] = strings.Repeat("A", 43) + "="
			answer["Proof"] = strings.Join(lines, "\n")
		},
		"another checkpoint": func(_, _, answer map[string]any) {
			head, note, _ := strings.Cut(answer["Proof"].(string), "\n\n")
			lines := strings.Split(note, "\n")
			lines[1] += "0"
			answer["Proof"] = head + "\n\n" + strings.Join(lines, "\n")
		},
		"no proof": func(_, _, answer map[string]any) { answer["Proof"] = "" },
	} {
		var answer map[string]any
		if err := json.Unmarshal([]byte(genuine), &answer); err != nil {
			t.Fatal(err)
		}
		change(answer["Event"].(map[string]any), answer["Log"].(map[string]any), answer)
		b, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if string(b) == genuine {
			t.Fatalf("%s: nothing was altered", what)
		}
		all[what] = string(b)
	}
	return all
}

// A pinned key that is not the key of the log proves nothing.
func TestAuditWithAnotherKey(t *testing.T) {
	t.Parallel()
	p := newPage(t, provable(t))
	p.open("/audit?operation=CreateKey")
	p.signIn()
	p.press("CreateKey")
	p.see("proved, by the key of the server")
	other := eval[string](p, `(async () => {
		const text = [...document.querySelectorAll("pre")].map((e) => e.innerText).find((l) => /^keyhold\/\S+\+/.test(l));
		const [, name, key] = /^([^+]+)\+[^+]+\+(.*)$/.exec(text);
		const raw = Uint8Array.from(atob(key), (c) => c.charCodeAt(0));
		raw[7] ^= 1;
		const id = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(
			[...new TextEncoder().encode(name + "\n"), ...raw]))).slice(0, 4);
		return [name, Array.from(id, (b) => b.toString(16).padStart(2, "0")).join(""),
			btoa(String.fromCharCode(...raw))].join("+");
	})()`)
	p.fill("Or paste the key that you trust", "no key")
	p.press("Pin this key")
	p.see("A verifier key has the form ORIGIN+ID+KEY")
	p.fill("Or paste the key that you trust", other)
	p.press("Pin this key")
	p.see("not proved")
	p.see("The server now names another key")
	p.press("Remove the pin")
	p.see("proved, by the key of the server")
}
