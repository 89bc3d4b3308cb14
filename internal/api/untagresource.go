package api

// UntagResourceRequest asks to remove tags from a key. The response is [Empty].
type UntagResourceRequest struct {
	KeyId   *string  `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	TagKeys []string `json:"TagKeys,omitzero" kms:"required,len=1:128"`
}
