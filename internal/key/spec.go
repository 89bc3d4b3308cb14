package key

// A Spec is the type of a key's material. The table of suites lists all of them.
type Spec string

// SymmetricDefault is a 256-bit key for AES-GCM. It is the spec of keys that are created without one.
const SymmetricDefault Spec = "SYMMETRIC_DEFAULT"

// SM2 is the key spec that exists in the China Regions only. Keyhold does not support it.
const SM2 Spec = "SM2"

// A Usage is the kind of cryptographic operation that a key supports.
type Usage string

// The usages of the API.
const (
	EncryptDecrypt         Usage = "ENCRYPT_DECRYPT"
	SignVerify             Usage = "SIGN_VERIFY"
	GenerateVerifyMAC      Usage = "GENERATE_VERIFY_MAC"
	KeyAgreement           Usage = "KEY_AGREEMENT"
	EncapsulateDecapsulate Usage = "ENCAPSULATE_DECAPSULATE"
)

// An Origin is where the material of a key comes from.
type Origin string

// The supported origins: material that the server generates, and material that the key's owner generates and
// imports.
const (
	OriginAWSKMS   Origin = "AWS_KMS"
	OriginExternal Origin = "EXTERNAL"
)

// An ExpirationModel is whether imported material expires.
type ExpirationModel string

// The two expiration models of the API.
const (
	MaterialExpires       ExpirationModel = "KEY_MATERIAL_EXPIRES"
	MaterialDoesNotExpire ExpirationModel = "KEY_MATERIAL_DOES_NOT_EXPIRE"
)
