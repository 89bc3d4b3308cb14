package browser

import (
	"encoding/json"
	"strings"
	"testing"
)

// The editor shows the errors of the page and of the server at their places, and saves what the server accepts.
func TestPolicyEditor(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t))
	p.open("/policy")
	var made struct{ KeyMetadata struct{ KeyId string } }
	if err := json.Unmarshal([]byte(p.call("CreateKey", `{}`)), &made); err != nil {
		t.Fatal(err)
	}
	p.signIn()
	p.see("No key is chosen.")
	p.fill("Key", made.KeyMetadata.KeyId)
	p.press("Show the policy")
	p.see("Policy document")

	const good = `{"Version": "2012-10-17", "Statement": [{"Sid": "all", "Effect": "Allow",
  "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}]}`
	p.fill("Policy document", strings.Replace(good, `"kms:*",`, `"kms:*"`, 1))
	p.see("Line 2, column 77:")
	p.see("A comma or } is expected here.")
	wrong(p, `"Resource"`)
	p.press("Go to the error")
	p.until("that the cursor is at the error", `document.activeElement.tagName === "TEXTAREA" &&
		document.activeElement.value.slice(document.activeElement.selectionStart).startsWith('"Resource"')`)
	p.until("that it cannot be saved", `[...document.querySelectorAll("button")].find((b) => b.innerText === "Save the policy").disabled`)

	p.fill("Policy document", strings.Replace(good, `"Allow"`, `"Permit"`, 1))
	p.press("Save the policy")
	p.see("MalformedPolicyDocumentException")
	p.see("Line 1, column 66:")
	p.see("Effect is neither Allow nor Deny")
	wrong(p, `"Permit"`)

	p.fill("Policy document", strings.Replace(good, "root", "user/nobody", 1))
	p.press("Save the policy")
	p.see("invalid principals")
	p.until("that no place is marked", `!document.querySelector(".coloured .wrong")`)

	p.fill("Policy document", good)
	p.press("Save the policy")
	p.see("The policy is saved.")
	p.press("Format")
	p.see("There are changes that are not saved.")
	p.press("Undo all changes")
	p.lacks("There are changes that are not saved.")
	if answer := p.call("GetKeyPolicy", `{KeyId: `+quote(made.KeyMetadata.KeyId)+`}`); !strings.Contains(answer, `\"Sid\": \"all\"`) {
		t.Errorf("stored: %s", answer)
	}
}

// wrong waits until the editor marks a text.
func wrong(p *page, text string) {
	p.Helper()
	p.until("that "+text+" is marked", `document.querySelector(".coloured .wrong")?.innerText === `+quote(text))
}

// aliceWith makes a user with a policy, and returns her access key.
func aliceWith(p *page, document string) (id, secret string) {
	p.Helper()
	var made struct {
		NewAccessKeys []struct{ AccessKeyId, SecretAccessKey string }
	}
	answer := p.call("KeyholdAdmin.PutUser",
		`{Name: "alice", AccessKeys: 1, Policies: [{Name: "own", Document: `+quote(document)+`}]}`)
	if err := json.Unmarshal([]byte(answer), &made); err != nil || len(made.NewAccessKeys) != 1 {
		p.Fatalf("%v: %s", err, answer)
	}
	return made.NewAccessKeys[0].AccessKeyId, made.NewAccessKeys[0].SecretAccessKey
}

// A page explains supposed requests of one or many principals, and a request that was refused.
func TestDecisions(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t, "--data", t.TempDir()))
	p.open("/explain")
	id, secret := aliceWith(p, `{"Version": "2012-10-17", "Statement": [
  {"Sid": "Look", "Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}]}`)
	var refused struct{ RequestID string }
	if err := json.Unmarshal([]byte(p.callAs(id, secret, "ListAliases", `{}`)), &refused); err != nil || refused.RequestID == "" {
		t.Fatalf("%+v: %v", refused, err)
	}
	p.signIn()
	p.fill("Principal", "arn:aws:iam::000000000000:user/alice")
	p.fill("Action", "kms:ListKeys")
	p.press("Explain")
	p.see("the statement Look at line 2, column 3")
	p.fill("Action", "kms:ListAliases")
	p.press("Explain")
	p.see("not allowed by any statement or grant")

	p.press("Who may?")
	p.fill("Action", "kms:ListKeys")
	p.press("Fill in the users and roles of my account")
	p.until("that alice is filled in", control("Principals")+`?.value.includes("user/alice")`)
	p.press("Ask")
	p.see("Asked about 2 of 2 principals: 2 may.")
	p.fill("Action", "kms:ListAliases")
	p.press("Ask")
	p.see("Asked about 2 of 2 principals: 1 may.")

	p.press("Why was this refused?")
	p.fill("Request ID", refused.RequestID)
	p.press("Explain")
	p.see("What happened")
	p.see("AccessDeniedException")
	p.see("not allowed by any statement or grant")
}

// A page that the caller may not use names the missing action.
func TestMissingPermissions(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t, "--data", t.TempDir()))
	p.open("/calendar")
	id, secret := aliceWith(p, `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}]}`)
	p.signInAs(id, secret)
	for address, action := range map[string]string{
		"/calendar": "keyhold:ListKeySummaries", "/status": "keyhold:Status", "/audit": "keyhold:QueryAudit",
		"/audit/0199f0e4-7b1c-7d0e-9a56-1b2c3d4e5f60": "keyhold:ProveEvent", "/identities": "keyhold:ListIdentities",
		"/identity/user/000000000000/alice": "keyhold:ShowIdentity", "/explain?tab=refused&request=1": "keyhold:ExplainDecision",
		"/explain?tab=who&action=kms:Sign&principals=x": "keyhold:ExplainDecision",
	} {
		p.visit(address)
		p.see("You lack the permission " + action + ".")
		p.see("Request ID")
	}
}
