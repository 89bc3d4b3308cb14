package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/keyhold/keyhold/internal/custody/helper"
)

const softHSM = "/usr/lib/softhsm/libsofthsm2.so"

// A key that may wrap but not encrypt is used by RFC 5649, and a key that may do nothing is refused.
func TestKeysThatOnlyWrap(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	c := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", "a", "--so-pin", "security-officer", "--pin", "pin-1234")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: run make deps\n%s", err, out)
	}
	request := helper.Request{Version: helper.Version, Module: softHSM, Token: helper.Token{Label: "a"}, PIN: []byte("pin-1234"), Operation: helper.Create}
	opened, err := openToken(request)
	if err != nil {
		t.Fatal(err)
	}
	makeKey(t, opened, "wraps", true)
	makeKey(t, opened, "idle", false)
	opened.close()

	secret := bytes.Repeat([]byte{7}, keySize)
	call := func(name string, operation helper.Operation, data []byte) helper.Response {
		r := request
		r.Operation, r.Key, r.Data, r.Context = operation, helper.Key{Label: name}, data, "context"
		return do(r)
	}
	wrapped := call("wraps", helper.Wrap, secret)
	if wrapped.Fault != "" || len(wrapped.Data) != 1+keySize+8 || wrapped.Data[0] != 2 {
		t.Fatalf("%+v", wrapped)
	}
	if got := call("wraps", helper.Unwrap, wrapped.Data); !bytes.Equal(got.Data, secret) {
		t.Errorf("%+v", got)
	}
	for at := range wrapped.Data {
		damaged := bytes.Clone(wrapped.Data)
		damaged[at] ^= 0x40
		if got := call("wraps", helper.Unwrap, damaged); got.Fault != helper.DoesNotOpen {
			t.Errorf("byte %d: %+v", at, got)
		}
	}
	if got := call("idle", helper.Wrap, secret); got.Fault != helper.NoMechanism {
		t.Errorf("%+v", got)
	}
	if got := call("wraps", "export", secret); got.Fault != helper.BadRequest {
		t.Errorf("%+v", got)
	}
}

func makeKey(t *testing.T, in token, label string, wraps bool) {
	t.Helper()
	_, err := in.library.GenerateKey(in.session, by(pkcs11.CKM_AES_KEY_GEN, nil), []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, keySize),
		pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, false), pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, false),
		pkcs11.NewAttribute(pkcs11.CKA_WRAP, wraps), pkcs11.NewAttribute(pkcs11.CKA_UNWRAP, wraps),
	})
	if err != nil {
		t.Fatal(err)
	}
}
