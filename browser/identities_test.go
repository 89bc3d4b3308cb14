package browser

import (
	"strings"
	"testing"
)

// An administrator declares a user, sees the secret of the access key once, changes the user and deletes it.
func TestIdentities(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/identities")
	p.signIn()
	p.see("There are no Users.")
	p.press("Declare a new user")
	p.fill("Name", "alice")
	p.fill("Path", "staff")
	p.press("Create")
	p.see("ValidationException")
	p.fill("Path", "/staff/")
	p.fill("Tags", "team=payroll")
	p.press("Show what would change")
	p.see("The identity would be created.")
	p.press("Create")
	p.see("Save the secret now.")
	secret := eval[string](p, `document.querySelector("code.secret").innerText`)
	if len(secret) < 30 {
		t.Errorf("the secret is %q", secret)
	}
	p.fill("I have saved the secret", "on")
	p.press("Remove it from this page")
	p.until("that the secret is gone", `!document.documentElement.innerHTML.includes(`+quote(secret)+`)`)
	p.press("Show it")
	p.see("arn:aws:iam::000000000000:user/staff/alice")
	p.until("that the tags are shown", control("Tags")+`?.value === "team=payroll"`)

	id := eval[string](p, `document.querySelector("td code").innerText`)
	p.press("Disable " + id)
	p.see("inactive")
	p.press("Enable " + id)
	p.press("Make another access key")
	p.see("Save the secret now.")
	p.fill("I have saved the secret", "on")
	p.press("Remove it from this page")
	p.until("that there are two access keys", `document.querySelectorAll("td code").length === 2`)
	p.press("Make another access key")
	p.see("LimitExceededException")

	p.fill("Name of a new policy", "own")
	p.press("Add")
	p.fill("Policy own", `{"Statement": {"Effect": "Allow", "Action": "x", "Resource": "*"}}`)
	p.press("Save own")
	p.see(`"x" is not an action`)
	p.see("Line 1, column 45:")
	p.fill("Policy own", `{"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}`)
	p.press("Save own")
	p.until("that the policy is stored", `document.querySelector("#policy-own") && ![...document.querySelectorAll("button")]
		.find((b) => b.innerText === "Save own").disabled === false`)
	if shown := p.call("KeyholdAdmin.ShowIdentity", `{Kind: "user", Name: "alice"}`); !strings.Contains(shown, "kms:*") ||
		!strings.Contains(shown, "payroll") {
		t.Errorf("stored: %s", shown)
	}
	p.press("Disable alice")
	p.see("While it is disabled")
	p.press("Enable alice")
	p.press("End the sessions of alice")
	p.see("Sessions before this time have ended")
	p.press("Delete alice …")
	p.fill("Type alice to confirm", "alice")
	p.press("Delete")
	p.see("There are no Users.")
}

// Roles, policies, providers and accounts can be declared too.
func TestOtherIdentities(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/identity/policy/new")
	p.signIn()
	for _, one := range []struct{ kind, label, name, arn string }{
		{"policy", "Name", "use", "arn:aws:iam::000000000000:policy/use"},
		{"role", "Name", "deployer", "arn:aws:iam::000000000000:role/deployer"},
		{"oidc-provider", "URL of the issuer", "https://oidc.example.com/a", "arn:aws:iam::000000000000:oidc-provider/oidc.example.com/a"},
		{"account", "Account ID", "444455556666", "arn:aws:iam::444455556666:root"},
	} {
		p.visit("/identity/" + one.kind + "/new")
		p.fill(one.label, one.name)
		p.press("Create")
		p.see(one.arn)
		if one.kind == "account" {
			p.fill("I have saved the secret", "on")
			p.press("Remove it from this page")
		}
		p.press("Show it")
		p.see("Declaration")
		p.see(one.arn)
		p.press("Show what would change")
		p.see("Nothing would change.")
		p.press("Back to the list")
		p.see(strings.TrimPrefix(one.name, "https://"))
	}
}
