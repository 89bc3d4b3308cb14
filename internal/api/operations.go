package api

import (
	"slices"
	"strings"
)

// operations lists the names of all operations of the API, sorted, including those that this server does not
// support. Nothing writes to it.
var operations = strings.Fields(`
CancelKeyDeletion
ConnectCustomKeyStore
CreateAlias
CreateCustomKeyStore
CreateGrant
CreateKey
Decapsulate
Decrypt
DeleteAlias
DeleteCustomKeyStore
DeleteImportedKeyMaterial
DeriveSharedSecret
DescribeCustomKeyStores
DescribeKey
DisableKey
DisableKeyRotation
DisconnectCustomKeyStore
EnableKey
EnableKeyRotation
Encapsulate
Encrypt
GenerateDataKey
GenerateDataKeyPair
GenerateDataKeyPairWithoutPlaintext
GenerateDataKeyWithoutPlaintext
GenerateMac
GenerateRandom
GetKeyLastUsage
GetKeyPolicy
GetKeyRotationStatus
GetParametersForImport
GetPublicKey
ImportKeyMaterial
ListAliases
ListGrants
ListKeyPolicies
ListKeyRotations
ListKeys
ListResourceTags
ListRetirableGrants
PutKeyPolicy
ReEncrypt
ReplicateKey
RetireGrant
RevokeGrant
RotateKeyOnDemand
ScheduleKeyDeletion
Sign
TagResource
UntagResource
UpdateAlias
UpdateCustomKeyStore
UpdateKeyDescription
UpdatePrimaryRegion
Verify
VerifyMac
`)

// Known reports whether the API has an operation with exactly this name.
func Known(name string) bool {
	_, found := slices.BinarySearch(operations, name)
	return found
}
