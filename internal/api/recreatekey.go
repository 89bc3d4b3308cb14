package api

// RecreateKeyRequest asks for a key without material under the ID that it had in
// another deployment. It is no part of the KMS API. AccountId is said and not
// taken from the caller, so that a key of another account is noticed here and
// not by its ciphertexts. KeyMaterialId associates the key with its material.
type RecreateKeyRequest struct {
	AccountId     *string `json:"AccountId,omitzero" kms:"required,len=12:12"`
	Description   *string `json:"Description,omitzero" kms:"len=0:8192"`
	KeyId         *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeyMaterialId *string `json:"KeyMaterialId,omitzero" kms:"len=64:64,pattern=materialID"`
}

// RecreateKeyResponse describes the key that was made.
type RecreateKeyResponse struct {
	KeyMetadata *KeyMetadata `json:"KeyMetadata,omitzero"`
}
