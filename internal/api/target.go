package api

// The prefixes of operation names in X-Amz-Target: of the KMS API, of this server's administration API, and of
// its dev server API. The STS API uses another protocol, in which only the name is sent.
const (
	TargetKMS   = "TrentService"
	TargetSTS   = "STS"
	TargetAdmin = "KeyholdAdmin"
	TargetDev   = "KeyholdDev"
)
