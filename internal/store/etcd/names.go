package etcd

// names are the keys of one deployment: its records, its slots, and what the Backend keeps for itself.
type names struct{ base string }

func newNames(prefix string) names {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	return names{prefix + "/"}
}

func (n names) cluster() string          { return n.base + "cluster" }
func (n names) record(key []byte) string { return n.base + "records/" + string(key) }
func (n names) own(name string) []byte   { return []byte(name[len(n.base+"records/"):]) }
func (n names) slot(name string) string  { return n.base + "slots/" + name }
func (n names) hold(name string) string  { return n.base + "holds/" + name }
func (n names) recordsEnd() string       { return n.base + "records0" } // 0 follows / in ASCII
func (n names) slotsEnd() string         { return n.base + "slots0" }
func (n names) holdsEnd() string         { return n.base + "holds0" }
