package main

import (
	"strings"
	"testing"
)

// A server that runs reads none of its own file descriptors: the read would take and close its store or a connection.
func TestServerOpensNoDescriptor(t *testing.T) {
	for _, custody := range []string{
		"key-file:fd:900", "passphrase:fd:900", "pkcs11:token=a;object=b?module-path=/x.so&pin-source=fd:900",
		"tpm:/dev/tpmrm0?pcrs=7&auth=fd:900",
	} {
		if _, err := openCustody(custody); err == nil || !strings.Contains(err.Error(), "no file descriptor of its administrator") {
			t.Errorf("%s: %v", custody, err)
		}
	}
}
