package api

// What stands before the name of an operation in X-Amz-Target: in the KMS API, in
// the API of this server's administrators, and in that of its dev servers. The STS
// API is of another protocol, where the name alone is sent.
const (
	TargetKMS   = "TrentService"
	TargetSTS   = "STS"
	TargetAdmin = "KeyholdAdmin"
	TargetDev   = "KeyholdDev"
)
