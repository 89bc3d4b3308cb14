package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// The kinds of record, each under its own prefix (docs/design.md, "Records").
var (
	keys         = store.Table[key.Key]{Prefix: "key", Codec: store.JSON[key.Key]()}
	aliases      = store.Table[key.Alias]{Prefix: "alias", Codec: store.JSON[key.Alias]()}
	aliasesOfKey = store.Table[struct{}]{Prefix: "alias-of-key", Codec: store.JSON[struct{}]()}
	aliasGuards  = store.Table[aliasGuard]{Prefix: "alias-guard", Codec: store.JSON[aliasGuard]()}
	tokenRings   = store.Table[tokenRing]{Prefix: "token-keys", Codec: store.JSON[tokenRing]()}
	clocks       = store.Table[clockRecord]{Prefix: "clock", Codec: store.JSON[clockRecord]()}
	deployments  = store.Table[deploymentRecord]{Prefix: "deployment", Codec: store.JSON[deploymentRecord]()}
	// dues is the index of keys by the next moment that changes them of itself.
	dues = store.Table[struct{}]{Prefix: "due", Codec: store.JSON[struct{}]()}
	// erasures are slots that no record names any more and that may not be
	// overwritten yet.
	erasures = store.Table[erasure]{Prefix: "erase", Codec: store.JSON[erasure]()}
	usages   = store.Table[usageRecord]{Prefix: "usage", Codec: store.JSON[usageRecord]()}
	outboxes = store.Table[outboxRecord]{Prefix: "outbox", Codec: store.JSON[outboxRecord]()}
)

// An aliasGuard is read and written by whatever adds or removes an alias of a
// key, so that the quota holds without counting.
type aliasGuard struct {
	Count int `json:"count"`
}

// An erasure lies under the first of the slots that are to be overwritten. One
// note tells of all that a transaction leaves, as a key can have more materials
// than a transaction can write records.
type erasure struct {
	Also []string `json:"also,omitempty"` // the other slots
}

// A clockRecord keeps how far the clock of a dev server was moved.
type clockRecord struct {
	OffsetNanos int64 `json:"offsetNanos"`
}

const clockPath = "dev"

// An outboxRecord is an event that was committed with the change it tells of and
// may not be in the audit log yet. If it is, it begins at the offset After or
// later.
type outboxRecord struct {
	Line  []byte `json:"line"`
	After int64  `json:"after"`
}

// A usageRecord is the last cryptographic operation on a key that succeeded, or
// the last request that was signed with an access key.
type usageRecord struct {
	Operation string    `json:"operation"`
	RequestID string    `json:"requestId"`
	EventID   string    `json:"eventId"` // "" of an access key
	Time      time.Time `json:"time"`
	Service   string    `json:"service,omitzero"` // of an access key
	Region    string    `json:"region,omitzero"`  // of an access key
}

// A deploymentRecord says whose deployment this is.
type deploymentRecord struct {
	Account string `json:"account"`
}

const deploymentPath = "this"

// scope begins the paths of all that belongs to an account in a Region.
func scope(account, region string) string { return account + "/" + region + "/" }

// keyPath is scope and the ID, in one piece, as there are some for each request.
func keyPath(account, region, id string) string { return account + "/" + region + "/" + id }

func pathOf(k key.Key) string { return keyPath(k.Account, k.Region, k.ID) }

// aliasPath leaves out the prefix that all alias names have.
func aliasPath(account, region, name string) string {
	return scope(account, region) + name[len(key.AliasPrefix):]
}

// aliasOfKeyPath is the place of an alias in the index of aliases by key.
func aliasOfKeyPath(a key.Alias) string {
	return keyPath(a.Account, a.Region, a.KeyID) + "/" + a.Name[len(key.AliasPrefix):]
}
