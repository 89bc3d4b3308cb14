package api

// A Tag is a label on a key. The value may be empty but not absent.
type Tag struct {
	TagKey   *string `json:"TagKey,omitzero" kms:"required,len=1:128"`
	TagValue *string `json:"TagValue,omitzero" kms:"required,len=0:256"`
}
