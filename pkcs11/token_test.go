package main

import (
	"errors"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/keyhold/keyhold/internal/custody/helper"
)

// A PIN is not sent to a token that could lock itself, or that needs none. The token has no library, so a PIN that is
// sent crashes the test.
func TestNoPINIsSent(t *testing.T) {
	const needed = pkcs11.CKF_LOGIN_REQUIRED
	for _, test := range []struct {
		flags uint
		pin   string
		want  helper.Fault
	}{
		{0, "1234", ""},
		{needed | pkcs11.CKF_USER_PIN_LOCKED, "1234", helper.LockedPIN},
		{needed | pkcs11.CKF_USER_PIN_FINAL_TRY, "1234", helper.LastPIN},
		{needed | pkcs11.CKF_USER_PIN_FINAL_TRY | pkcs11.CKF_USER_PIN_COUNT_LOW, "", helper.LastPIN},
		{needed, "", helper.NoPIN},
	} {
		if got := faultOf(token{}.login(pkcs11.TokenInfo{Flags: test.flags}, test.pin)); got != test.want {
			t.Errorf("%x: %s, want %s", test.flags, got, test.want)
		}
	}
}

func TestFaults(t *testing.T) {
	for err, want := range map[error]helper.Fault{
		nil: "",
		errors.Join(errors.New("x"), pkcs11.Error(pkcs11.CKR_PIN_INCORRECT)): helper.WrongPIN,
		pkcs11.Error(pkcs11.CKR_PIN_LEN_RANGE):                               helper.WrongPIN,
		pkcs11.Error(pkcs11.CKR_PIN_LOCKED):                                  helper.LockedPIN,
		pkcs11.Error(pkcs11.CKR_DEVICE_REMOVED):                              helper.NoToken,
		pkcs11.Error(pkcs11.CKR_DEVICE_ERROR):                                helper.DeviceFailed,
		errors.New("x"):                                                      helper.DeviceFailed,
		fault{helper.ManyKeys, "x"}:                                          helper.ManyKeys,
	} {
		if got := faultOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
	if doesNotOpen(pkcs11.Error(pkcs11.CKR_DEVICE_ERROR)) || !doesNotOpen(pkcs11.Error(pkcs11.CKR_ENCRYPTED_DATA_INVALID)) {
		t.Error("the errors of damaged data are others")
	}
}

// A request of another version is refused, because its members may mean something else.
func TestVersion(t *testing.T) {
	if got := do(helper.Request{Version: helper.Version + 1}); got.Fault != helper.BadRequest {
		t.Error(got)
	}
	if got := do(helper.Request{Version: helper.Version, Module: "/no/such.so"}); got.Fault != helper.NoModule {
		t.Error(got)
	}
}
