package custody

import "testing"

// A server refuses a custody that would read, and close, one of its own file descriptors, wherever the text names it.
func TestNamesDescriptor(t *testing.T) {
	for text, want := range map[string]bool{
		"key-file:/etc/keyhold/root.key": false, "key-file:fd:3": true, "passphrase:fd:3": true, "passphrase:prompt": false,
		"pkcs11:token=a;object=fd:3?module-path=/x.so&pin-source=/pin":    false,
		"pkcs11:token=a;object=b?module-path=/x.so&pin-source=fd:3":       true,
		"pkcs11:token=a;object=b?module-path=/x.so&pin-source=file:fd:3":  true,
		"pkcs11:token=a;object=b?module-path=/x.so&pin-source=%66%64%3A3": true,
		"tpm:/dev/tpmrm0?pcrs=0,7&auth=fd:3":                              true,
		"tpm:/dev/tpmrm0?pcrs=0,7&auth=%66d:3":                            true,
		"tpm:/dev/tpmrm0?pcrs=0,7&auth=credential:x":                      false,
		"awskms:alias/a?deployment=b":                                     false,
	} {
		spec, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := spec.NamesDescriptor(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
