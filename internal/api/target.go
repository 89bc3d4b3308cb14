package api

// What stands before the name of an operation in X-Amz-Target: in the KMS API, in
// the API of this server's administrators, and in that of its dev servers.
const (
	TargetKMS   = "TrentService"
	TargetAdmin = "KeyholdAdmin"
	TargetDev   = "KeyholdDev"
)
