package records

import (
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// The kinds of record, each under its own prefix (docs/formats.md, "Records").
var (
	Keys          = store.Table[key.Key]{Prefix: "key", Codec: keyCodec{store.JSON[key.Key]()}} // see WholeKeys
	KeyTexts      = tableOf[key.Text]("key-text")
	Aliases       = tableOf[key.Alias]("alias")
	AliasesOfKey  = tableOf[struct{}]("alias-of-key")
	AliasGuards   = tableOf[AliasGuard]("alias-guard")
	TokenRings    = tableOf[TokenRing]("token-keys")
	Clocks        = tableOf[Clock]("clock")
	Deployments   = tableOf[Deployment]("deployment")
	ServedRegions = tableOf[Served]("regions")
	// Dues is the index of keys by the next time at which they change on their own.
	Dues = tableOf[struct{}]("due")
	// Erasures are slots that no record names any more and that must be overwritten.
	Erasures = tableOf[Erasure]("erase")
	Usages   = tableOf[Usage]("usage")
)

// tableOf returns the table of the records under a prefix, which are stored as JSON.
func tableOf[T any](prefix string) store.Table[T] {
	return store.Table[T]{Prefix: prefix, Codec: store.JSON[T]()}
}

// An AliasGuard counts the aliases of a key. Every transaction that adds or removes an alias
// reads and writes it, so that the quota holds without counting.
type AliasGuard struct {
	Count int `json:"count"`
}

// An Erasure has the name of the first of the slots that must be overwritten. One Erasure lists
// all slots that a transaction leaves, because a key can have more materials than a transaction
// can write records.
type Erasure struct {
	Also []string `json:"also,omitempty"` // the other slots
}

// A Clock is the offset by which the clock of a dev server was moved.
type Clock struct {
	OffsetNanos int64 `json:"offsetNanos"`
}

const ClockPath = "dev"

// MaxClockOffset is the maximum offset of the clock of a dev server.
const MaxClockOffset = 200 * 365 * 24 * time.Hour

// A Usage is the last cryptographic operation on a key that succeeded, or
// the last request that was signed with an access key.
type Usage struct {
	Operation string    `json:"operation"`
	RequestID string    `json:"requestId"`
	EventID   string    `json:"eventId"` // "" for an access key
	Time      time.Time `json:"time"`
	Service   string    `json:"service,omitzero"` // for an access key
	Region    string    `json:"region,omitzero"`  // for an access key
}

// A Served record lists the Regions that a deployment serves.
type Served struct {
	Regions []string `json:"regions"`
}

// ServedPath is the path of the only Served record.
const ServedPath = "served"

// A Deployment records the account that administers the deployment.
type Deployment struct {
	Account string `json:"account"`
}

const DeploymentPath = "this"

// ScopePath returns the beginning of all paths of an account in a Region.
func ScopePath(account, region string) string { return account + "/" + region + "/" }

// KeyPath returns the path of a key. It concatenates once, because every request needs such
// paths.
func KeyPath(account, region, id string) string { return account + "/" + region + "/" + id }

func PathOf(k key.Key) string { return KeyPath(k.Account, k.Region, k.ID) }

// AliasPath returns the path of an alias, without the prefix that all alias names have.
func AliasPath(account, region, name string) string {
	return ScopePath(account, region) + name[len(key.AliasPrefix):]
}

// AliasOfKeyPath returns the path of an alias in the index of aliases by key.
func AliasOfKeyPath(a key.Alias) string {
	return KeyPath(a.Account, a.Region, a.KeyID) + "/" + a.Name[len(key.AliasPrefix):]
}
