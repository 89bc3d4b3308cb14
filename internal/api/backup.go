package api

// BackupRequest asks for a backup of the deployment, encrypted to the recipients. It is not part of the KMS API. The
// answer is the backup itself, which the server sends while it makes the backup.
type BackupRequest struct {
	Recipients              []string `json:"Recipients,omitzero" kms:"required,count=1:16,len=1:4096"`
	WithoutImportedMaterial *bool    `json:"WithoutImportedMaterial,omitzero"`
}
