package browser

import "testing"

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
