package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// call carries out an operation as the root of a dev server, with the modules of the console. body is an object of
// JavaScript. It returns the answer as JSON.
func (p *page) call(target, body string) string {
	p.Helper()
	return p.callAs("test", "test", target, body)
}

func (p *page) callAs(id, secret, target, body string) string {
	p.Helper()
	return eval[string](p, `(async () => {
		const [{connect}, {longTerm}] = await Promise.all(
			[import("/console/lib/api.js"), import("/console/lib/session.js")]);
		const signer = {...longTerm(`+quote(id)+`, `+quote(secret)+`), region: "us-east-1"};
		const api = connect({signer, remedies: [], now: () => new Date()});
		try {
			return JSON.stringify(await api.call(`+quote(target)+`, `+body+`));
		} catch (error) {
			return JSON.stringify({...error, message: error.message});
		}
	})()`)
}

// importKey imports generated material into a new key with an alias.
func importKey(t *testing.T, endpoint, alias, expires string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, "import", alias, "--create", "--expires", expires,
		"--generate", filepath.Join(t.TempDir(), "key"), "--endpoint-url", endpoint)
	c.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
}

// answer makes the page get an answer to the requests of a target, in place of the server's, until the next answer.
func (p *page) answer(target, status, headers, body string) {
	p.Helper()
	p.genuine()
	eval[bool](p, `window.fetch = async (url, init) => (init?.headers?.["x-amz-target"] === `+quote(target)+`
		? new Response(`+quote(body)+`, {status: `+status+`, headers: `+headers+`}) : window.genuine(url, init)), true`)
}

// genuine makes the page get the answers of the server again.
func (p *page) genuine() {
	p.Helper()
	eval[bool](p, `window.genuine ??= window.fetch, window.fetch = window.genuine, true`)
}
