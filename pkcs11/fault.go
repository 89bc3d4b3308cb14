package main

import (
	"errors"

	"github.com/miekg/pkcs11"

	"github.com/keyhold/keyhold/internal/custody/helper"
)

// A fault is an error that Keyhold distinguishes.
type fault struct {
	kind helper.Fault
	text string
}

func (f fault) Error() string { return f.text }

// faultOf returns the kind of an error, or "".
func faultOf(err error) helper.Fault {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[fault](err); ok {
		return f.kind
	}
	code, _ := errors.AsType[pkcs11.Error](err)
	switch code {
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE:
		return helper.WrongPIN
	case pkcs11.CKR_PIN_LOCKED:
		return helper.LockedPIN
	case pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_RECOGNIZED:
		return helper.NoToken
	}
	return helper.DeviceFailed
}

// doesNotOpen reports whether an error says that the data does not open. Other errors are of the device.
func doesNotOpen(err error) bool {
	code, _ := errors.AsType[pkcs11.Error](err)
	switch code {
	case pkcs11.CKR_ENCRYPTED_DATA_INVALID, pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE, pkcs11.CKR_DATA_INVALID,
		pkcs11.CKR_WRAPPED_KEY_INVALID, pkcs11.CKR_WRAPPED_KEY_LEN_RANGE,
		pkcs11.CKR_DATA_LEN_RANGE:
		return true
	}
	return false
}
