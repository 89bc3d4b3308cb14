package api

import (
	"slices"
	"strings"
)

// operations are the names of all operations of the API, whether this server
// carries them out or not, sorted. The list is never written to.
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

// Known reports whether the API has an operation of this name, in this case.
func Known(name string) bool {
	_, found := slices.BinarySearch(operations, name)
	return found
}
