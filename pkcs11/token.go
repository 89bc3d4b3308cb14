package main

import (
	"fmt"
	"strings"

	"github.com/miekg/pkcs11"

	"github.com/keyhold/keyhold/internal/custody/helper"
)

// A token is an open session with a token.
type token struct {
	library *pkcs11.Ctx
	slot    uint
	session pkcs11.SessionHandle
}

// openToken loads the library, finds the token, and logs in.
func openToken(r helper.Request) (t token, err error) {
	t.library = pkcs11.New(r.Module)
	if t.library == nil {
		return t, fault{helper.NoModule, "the library " + r.Module + " cannot be loaded"}
	}
	if err := t.library.Initialize(); err != nil {
		return t, fmt.Errorf("start the library %s: %w", r.Module, err)
	}
	info, err := t.choose(r.Token)
	if err != nil {
		return t, err
	}
	flags := uint(pkcs11.CKF_SERIAL_SESSION)
	if r.Operation == helper.Create {
		flags |= pkcs11.CKF_RW_SESSION
	}
	if t.session, err = t.library.OpenSession(t.slot, flags); err != nil {
		return t, fmt.Errorf("open a session: %w", err)
	}
	return t, t.login(info, string(r.PIN))
}

// choose finds the slot of the one token that is asked for.
func (t *token) choose(want helper.Token) (chosen pkcs11.TokenInfo, err error) {
	slots, err := t.library.GetSlotList(true)
	if err != nil {
		return chosen, fmt.Errorf("list the tokens: %w", err)
	}
	var serials []string
	for _, slot := range slots {
		info, err := t.library.GetTokenInfo(slot)
		if err != nil || info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 || !matches(info, want) {
			continue // a slot whose token was removed meanwhile, or another token
		}
		t.slot, chosen = slot, info
		serials = append(serials, info.SerialNumber)
	}
	switch len(serials) {
	case 0:
		return chosen, fault{helper.NoToken, fmt.Sprintf("none of the %d slots has this token", len(slots))}
	case 1:
		return chosen, nil
	}
	return chosen, fault{helper.ManyTokens, "the tokens have the serial numbers " + strings.Join(serials, ", ")}
}

func matches(info pkcs11.TokenInfo, want helper.Token) bool {
	for _, pair := range [][2]string{
		{want.Label, info.Label}, {want.Serial, info.SerialNumber},
		{want.Manufacturer, info.ManufacturerID}, {want.Model, info.Model},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	return true
}

// login logs in. It sends no PIN that could be the last before the token locks itself.
func (t token) login(info pkcs11.TokenInfo, pin string) error {
	switch {
	case info.Flags&pkcs11.CKF_LOGIN_REQUIRED == 0:
		return nil
	case info.Flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return fault{helper.LockedPIN, "the token is locked after wrong PINs"}
	case info.Flags&pkcs11.CKF_USER_PIN_FINAL_TRY != 0:
		return fault{helper.LastPIN, "the token has one try left after wrong PINs"}
	case pin == "" && info.Flags&pkcs11.CKF_PROTECTED_AUTHENTICATION_PATH == 0:
		return fault{helper.NoPIN, "the token needs a PIN"}
	}
	err := t.library.Login(t.session, pkcs11.CKU_USER, pin)
	if err == pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("log in to the token: %w", err)
	}
	return nil
}

// close ends the session. Its errors do not matter, because the program ends.
func (t token) close() {
	_ = t.library.CloseSession(t.session)
	_ = t.library.Finalize()
	t.library.Destroy()
}
