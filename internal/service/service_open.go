package service

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/backup"
	"github.com/keyhold/keyhold/internal/census"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/reseal"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/webidentity"
)

// A Config configures a Service. The fields up to Log must be set.
type Config struct {
	Backend store.Backend
	Slots   store.Slots // of the same deployment as Backend
	Root    seal.Root   // opens the data keys; the data keys of a new deployment are wrapped with it
	Audit   *audit.Log
	Clock   *Clock // the clock of keys, tokens and deletions; a server that is not a dev server uses wall time
	Log     *slog.Logger

	// Create makes a new deployment in an empty Backend. Without Create, Open returns
	// ErrNotInitialised for an empty Backend.
	Create bool
	// Dev adds the operations of dev servers, which show and move Clock and explain refused
	// signatures.
	Dev bool
	// DevAccount is the account whose root administers identities if the deployment has no
	// stored account, as on a dev server.
	DevAccount string
	// WebIdentity verifies the tokens of OIDC providers. If nil, all tokens are refused.
	WebIdentity *webidentity.Verifier
	// OpenCustody opens a custody that an administrator names while the server runs. If nil, the custody of the server
	// cannot be changed.
	OpenCustody func(name string) (seal.Root, error)
	// Full returns a space.ErrFull while the disk has no space for ordinary work. If nil, the
	// disk is never full.
	Full func() error
	// Probe returns an error if a small file cannot be written to the data folder. If nil, there is no data folder.
	Probe func() error
	// WrappingKeysAhead is the number of key pairs that are kept ready for each wrapping key
	// spec that a client has asked for. With 0, each key pair is generated when it is needed.
	WrappingKeysAhead int
	// Node is the ID of this node among the nodes that share the Backend. If empty, the
	// Backend belongs to this process.
	Node string
	// NodeMemory outlives the process of this node. It may be nil.
	NodeMemory nodes.Memory
	// Shared says that other processes commit to the Backend too. Node must be set then.
	Shared bool
	// Address and Version describe this node to operators, if the Backend is shared.
	Address, Version string
	// Situation, if set, returns what the host knows of the server, for administrators.
	Situation func(context.Context) Situation
	// Confirmer waits for the other nodes, if the Backend is shared. If nil, it is the part that this
	// process takes in the deployment (package nodes).
	Confirmer Confirmer
	// Timing has the times on which the nodes of a shared Backend rely. If zero, it is
	// nodes.DefaultTiming.
	Timing nodes.Timing
	// AuditKeep is the age at which events are deleted. If 0, all are kept.
	AuditKeep time.Duration
	// AuditNeeded returns the index of the first line of Audit that a second device may not have, and whether deletions
	// of old events wait for the device. It is nil if there is no second device.
	AuditNeeded func() (first int64, wait bool)
	// Fenced, if set, is called once when another process has taken over this node, or when the
	// node must stop for another reason. It should stop the program: the Service refuses all
	// requests from then on.
	Fenced func(error)
	// Approved reports whether a key spec or an algorithm of the API may be used. If nil, all may.
	Approved func(name string) bool
	// Protected, if set, is called when Audit has its keys, and before the Service erases anything. Its error is
	// returned by Open.
	Protected func(context.Context) error
	// Computing, if set, is called with 1 when an expensive computation begins, and with -1
	// when it ends.
	Computing func(change int)
	// Rates are the requests per second that one principal may make, by class (DefaultRates). A
	// class that is missing or 0 has no limit.
	Rates map[string]int
	// Quotas are the maximum numbers of records, by name (DefaultQuotas). A quota that is
	// missing or 0 does not limit.
	Quotas map[string]int
	// ExpiryAhead are the times before the expiry of key material at which to warn, the longest first. Without any, there
	// are no warnings.
	ExpiryAhead []time.Duration
	// ExpiryWarned, if set, is called after each of these warnings with the name and the details of its event, and must
	// not wait.
	ExpiryWarned func(event string, details any)
	// Readings, if set, returns what runs out on this server besides key material.
	Readings func(context.Context) []Reading
	// ReclaimSlots is the number of slots that no record names and that a round erases without a question.
	ReclaimSlots int
}

// fenced returns the function that is called when the node is fenced.
func (c Config) fenced() func(error) {
	return func(err error) {
		c.Log.Error("the server refuses all requests and must stop", "error", err)
		if c.Fenced != nil {
			c.Fenced(err)
		}
	}
}

// A Service carries out operations on the keys of one deployment. Its methods
// may be called concurrently.
type Service struct {
	store         *store.Store
	materials     *material.Vault
	audit         *audit.Log
	journal       *journal.Journal
	nodes         *nodes.Nodes // nil unless the Backend is shared
	unfollow      context.CancelFunc
	following     sync.WaitGroup
	confirmer     Confirmer // nil unless the Backend is shared
	sweeper       *sweeper
	sweeping      sync.Mutex
	sharing       Sharing
	clock         *Clock
	log           *slog.Logger
	rules         key.Rules
	wrappings     key.Wrappings
	operations    map[string]Operation
	compiled      compiledPolicies
	regions       atomic.Pointer[[]string] // nil: all valid Regions
	full          func() error
	probe         func() error // Config.Probe
	wrappingKeys  *material.WrappingKeys
	pauses        *admit.Pauses   // where refusals wait
	pauseUntil    func(time.Time) // pauses.SleepUntil, except in tests
	expensive     *expensive
	rates         *rates
	turns         *admit.Queues // for changes of one key, or of the identities of one account
	tokenKeys     *material.TokenKeys
	seals         *reseal.Keeper
	openCustody   func(name string) (seal.Root, error)
	custodyProof  func() CustodyProof // nil if nothing proves the custody
	backups       *backup.Maker
	grantTokens   seal.Sealer
	markers       seal.Sealer
	devAccount    string
	webIdentity   *webidentity.Verifier
	reclaimSlots  int // Config.ReclaimSlots
	sessionTokens *sessionTokens
	usage         *keyUsage
	accessKeyUse  *keyUsage
	refusals      refusals // of a dev server
	strangers     *strangers
	throttled     atomic.Uint64 // requests that the rates refused
	lastEvent     time.Time     // the time of the last event of the former process, or zero
	explaining    *admit.Queue
	auditing      *admit.Queue
	expiry        expiryParts
	census        *census.Census
	situation     func(context.Context) Situation // nil if nobody knows it
	self          self
}

// Open returns the Service of the deployment in the Backend. An empty Backend becomes a new
// deployment. The caller closes Audit, then Service, then Slots and Backend, so that the
// journal learns of all events that the log has on disk.
func Open(ctx context.Context, c Config) (*Service, error) {
	keyring, err := records.OpenKeyring(ctx, c.Backend, c.Root, c.Create)
	if err != nil {
		return nil, err
	}
	pauses, err := admit.NewPauses(maxPausing)
	if err != nil {
		return nil, err
	}
	computing := newExpensive(runtime.GOMAXPROCS(0), c.Computing)
	s := &Service{
		store:         openStore(c, keyring),
		audit:         c.Audit,
		clock:         c.Clock,
		log:           c.Log,
		lastEvent:     journal.TimeOf(c.Audit.Last().Event),
		rules:         key.ParseRules(),
		wrappings:     key.ParseWrappings().Only(c.Approved),
		operations:    approvedOperations(c.Dev, c.Approved),
		full:          c.Full,
		probe:         c.Probe,
		devAccount:    c.DevAccount,
		webIdentity:   c.WebIdentity,
		reclaimSlots:  c.ReclaimSlots,
		expensive:     computing,
		rates:         newRates(c.Rates, time.Now()),
		wrappingKeys:  material.NewWrappingKeys(c.WrappingKeysAhead, computing.makeWrappingKey),
		pauses:        pauses,
		pauseUntil:    pauses.SleepUntil,
		strangers:     newStrangers(time.Now()),
		expiry:        newExpiryParts(c.Clock.Now()),
		explaining:    admit.NewQueue(explaining),
		auditing:      admit.NewQueue(auditing),
		turns:         admit.NewQueues(changesAtOnce),
		grantTokens:   keyring.GrantTokens(),
		markers:       keyring.Markers(),
		sessionTokens: newSessionTokens(keyring.SessionTokens()),
	}
	s.assemble(c, keyring)
	s.follow(c.Dev)
	if err := s.checkFormat(ctx); err != nil {
		return nil, errors.Join(err, s.end())
	}
	if err := s.resume(ctx, c); err != nil {
		return nil, errors.Join(err, s.end())
	}
	s.sharing = s.nodes
	s.expiry.watcher = s.newExpiries(c)
	s.sweeper = startSweeper(s)
	return s, nil
}

// assemble adds the parts that need others.
func (s *Service) assemble(c Config, keyring *seal.Keyring) {
	s.store.Limit(quotasOf(c.Quotas)...)
	s.complete(c)
	s.journal = journal.New(s.store, s.audit, s.log, c.fenced())
	s.materials = material.NewVault(material.NewSealer(c.Slots, keyring.Materials()), s.store, s.journal.Clean)
	s.tokenKeys = material.NewTokenKeys(s.materials, keyring.TokenKeys(), s.journal)
	s.seals = s.newSeals(c, keyring)
	s.backups = newBackups(c, keyring)
	if c.Shared {
		records.Reload(keyring, c.Backend, s.seals.Root)
	}
	s.nodes = s.newNodes(c)
	if s.confirmer = c.Confirmer; s.confirmer == nil && s.nodes != nil {
		s.confirmer = s.nodes
	}
	s.usage = newKeyUsage(s.store, s.log, s.full, putUsages)
	s.accessKeyUse = newKeyUsage(s.store, s.log, s.full, putAccessKeyUsages)
}

func newBackups(c Config, keyring *seal.Keyring) *backup.Maker {
	return backup.NewMaker(backup.Source{
		Backend: c.Backend, Slots: c.Slots, Keyring: keyring, Shared: c.Shared, Program: c.Version,
		ApprovedOnly: c.Approved != nil,
	}, c.Log)
}

// complete sets the parts that have defaults, and those that describe the Service to operators.
func (s *Service) complete(c Config) {
	if s.webIdentity == nil {
		s.webIdentity = webidentity.None()
	}
	if s.full == nil {
		s.full = func() error { return nil }
	}
	s.census, s.situation = census.New(s.store, s.clock.Now), c.Situation
	s.self = self{node: c.Node, address: c.Address, version: c.Version, started: s.clock.Now()}
}

// resume continues the work of the last process on this data.
func (s *Service) resume(ctx context.Context, c Config) error {
	if torn := s.audit.Torn(); torn > 0 {
		s.log.Warn("an incomplete event at the end of the audit log was removed: "+
			"a power failure or a full disk had cut it off", "bytes", torn)
	}
	if err := s.journal.CheckAge(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx, migrations(c.Node)); err != nil {
		return err
	}
	if err := s.enter(ctx, c.Node); err != nil {
		return err
	}
	r := journal.Retention{Keep: c.AuditKeep, Needed: c.AuditNeeded, Event: s.auditLogEvent}
	if err := s.journal.ProtectLog(ctx, r); err != nil {
		return err
	}
	if c.Protected != nil {
		if err := c.Protected(ctx); err != nil {
			return err
		}
	}
	if c.Dev {
		if err := s.restoreClock(ctx); err != nil {
			return err
		}
	}
	if err := s.journal.Recover(ctx); err != nil {
		return err
	}
	if err := s.materials.FinishErasures(ctx); err != nil && !errors.Is(err, space.ErrFull) {
		return err // the sweep tries again after ErrFull
	}
	if s.nodes != nil {
		return s.nodes.Join(ctx)
	}
	return nil
}

// AuditKey returns the public key that verifies the checkpoints of the audit log, or "" if the log is not in a file.
func (s *Service) AuditKey() string { return s.audit.PublicKey() }

// auditLogEvent returns the event of a change of the audit log that the server makes on its own.
func (s *Service) auditLogEvent(name string, details any) audit.Event {
	account, _ := s.Account(context.Background())
	e := serverEvent(name, account, s.clock.Now())
	e.ServiceEventDetails, _ = json.Marshal(details)
	return e
}

// StoreRevision returns the revision of the store up to which the memory of this process is up to date.
func (s *Service) StoreRevision() int64 { return s.store.Told() }

// Close waits for the work in the background. All calls of Do must have returned.
func (s *Service) Close() error {
	s.census.Close()
	s.sweeper.close()
	s.wrappingKeys.Close()
	s.materials.Close()
	if m, missed := s.strangers.take(time.Now(), 0); missed { // the audit log is closed already
		s.warnOfStrangers(m)
	}
	return s.end()
}

// end ends the parts of a Service that Open starts first.
func (s *Service) end() error {
	s.backups.Close()
	return errors.Join(s.usage.close(), s.accessKeyUse.close(), s.leave(), s.journal.Close(), s.pauses.Close())
}

// Find returns the operation of the given name, if the server serves it.
func (s *Service) Find(name string) (Operation, bool) {
	op, ok := s.operations[name]
	return op, ok
}
