package api

// RecreateKeyRequest asks for a key without material under the ID that it had in another deployment. It is not
// part of the KMS API. AccountId is explicit, so that a mistaken account is an error now and not when
// ciphertexts fail to decrypt. KeyMaterialId associates the key with its material.
type RecreateKeyRequest struct {
	AccountId     *string `json:"AccountId,omitzero" kms:"required,len=12:12"`
	Description   *string `json:"Description,omitzero" kms:"len=0:8192"`
	KeyId         *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeyMaterialId *string `json:"KeyMaterialId,omitzero" kms:"len=64:64,pattern=materialID"`
}

// RecreateKeyResponse describes the new key.
type RecreateKeyResponse struct {
	KeyMetadata *KeyMetadata `json:"KeyMetadata,omitzero"`
}
