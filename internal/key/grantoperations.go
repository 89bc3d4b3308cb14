package key

import "strings"

// grantables lists the operations that a grant can allow: on any key, on symmetric encryption keys, and on
// other keys by their usage. Sources: "Grant operations" in the developer guide, and the page of each
// operation.
const grantables = `
any                      CreateGrant DescribeKey RetireGrant
SYMMETRIC_DEFAULT        Decrypt Encrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext
SYMMETRIC_DEFAULT        GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext
ENCRYPT_DECRYPT          Decrypt Encrypt ReEncryptFrom ReEncryptTo GetPublicKey
SIGN_VERIFY              Sign Verify GetPublicKey
GENERATE_VERIFY_MAC      GenerateMac VerifyMac
KEY_AGREEMENT            DeriveSharedSecret GetPublicKey
ENCAPSULATE_DECAPSULATE  Encapsulate Decapsulate GetPublicKey
`

// grantOperations returns the operations that a grant on the key can allow.
func grantOperations(k Key) (operations []string) {
	kind := string(k.Usage)
	if k.Spec == SymmetricDefault {
		kind = string(SymmetricDefault)
	}
	for line := range strings.Lines(grantables) {
		if f := strings.Fields(line); len(f) > 0 && (f[0] == "any" || f[0] == kind) {
			operations = append(operations, f[1:]...)
		}
	}
	return operations
}
