package records

// Notices has the last warning about each thing besides key material that runs out, by NoticePath.
var Notices = tableOf[Notice]("notice")

// The subjects of notices.
const (
	NoticeCertificate = "certificate" // its name is its fingerprint
	NoticeRootKey     = "root-key"    // its name is its version
	NoticeDisk        = "disk"        // its name is the ID of the node, or "this"
)

// A Notice is the last warning about one thing: the threshold that it reached, in seconds or bytes that are left.
type Notice struct {
	Threshold int64 `json:"threshold"`
}

// NoticePath returns the path of the Notice about a thing.
func NoticePath(subject, name string) string { return subject + "/" + name }
