package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// twoNodes are two Services on one Backend. The network of the second one is unreliable.
type twoNodes struct {
	a, b   accessTest
	faults *storetest.Faulty
}

// inTwoNodes runs fn with two nodes, in a bubble of package synctest.
func inTwoNodes(t *testing.T, fn func(n twoNodes), alter ...func(*Config)) {
	synctest.Test(t, func(t *testing.T) {
		db, slots, root := memory.New(), memory.NewSlots(), seal.NewEphemeralRoot()
		faults := &storetest.Faulty{Backend: db, Patience: time.Second}
		open := func(id string, b store.Backend) (accessTest, func()) {
			events := audit.New(audit.Discard{}, audit.Options{})
			c := Config{
				Backend: b, Slots: slots, Root: root, Create: true, DevAccount: homeAccount, Node: id, Shared: true,
				Audit: events, Clock: NewClock(time.Now), Log: slog.New(slog.DiscardHandler),
			}
			for _, change := range alter {
				change(&c)
			}
			s, err := Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			return accessTest{people{t, s}}, func() { errors.Join(events.Close(), s.Close()) } // may fail after a fault
		}
		n := twoNodes{faults: faults}
		var closeA, closeB func()
		n.a, closeA = open("node-a", db)
		defer closeA()
		n.b, closeB = open("node-b", faults)
		defer closeB()
		defer n.heal()
		synctest.Wait()
		fn(n)
	})
}

// heal ends all faults.
func (n twoNodes) heal() {
	n.faults.SilenceWatches(false)
	n.faults.Cut(false)
	n.faults.Resume()
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

// A use is a request that a caller makes at a node. It returns what differs after a change that does not refuse it.
type use func(c accessTest) (what string, err error)

// by makes a request as the server does it: it first looks the caller up.
func by(lookUp func(c accessTest) (identity.AccessKey, bool, error), operation, on string, members ...string) use {
	return func(c accessTest) (string, error) {
		revision := c.StoreRevision()
		k, ok, err := lookUp(c)
		if err == nil && (!ok || k.Expired) {
			err = key.Errorf(key.KindUnrecognizedClient, "no such caller")
		}
		if err != nil {
			return "", err
		}
		out, err := actor{accessTest: c, who: k.Principal}.with(func(r *Request) { r.Revision = revision }).try(operation, on, members...)
		if encrypted, ok := out.(*api.EncryptResponse); ok && err == nil {
			h, err := crypt.ParseBlob(encrypted.CiphertextBlob)
			return *encrypted.KeyId + string(h.MaterialID[:]), err
		}
		return "", err
	}
}

func userNamed(id string) func(c accessTest) (identity.AccessKey, bool, error) {
	return func(c accessTest) (identity.AccessKey, bool, error) { return c.AccessKey(c.Context(), id) }
}

func ofRoot(accessTest) (identity.AccessKey, bool, error) {
	return identity.AccessKey{Principal: identity.Root(homeAccount)}, true, nil
}

// A takingAway is a change that takes something away. prepare returns the members of the change, and the use that
// it ends.
type takingAway struct {
	prepare func(c accessTest) (on string, members []string, ends use)
}

// ofAKey is a change of a new key, which the root then cannot use as before.
func ofAKey(creation string, ready ...func(c accessTest, on string)) takingAway {
	return takingAway{func(c accessTest) (string, []string, use) {
		on, members := onAKey(creation, ready...).prepare(c)
		return on, members, by(ofRoot, "Encrypt", on)
	}}
}

// ofAlice is a change of identities, after which alice, with a policy of her own and a managed policy, cannot use
// a key as before.
func ofAlice(members string) takingAway {
	return takingAway{func(c accessTest) (string, []string, use) {
		on := c.key()
		c.root().does("PutPolicy", "", fmt.Sprintf(`{"Name":"use","Document":%q}`, c.identity("allow kms:*")))
		c.root().does("PutUser", "", `{"Name":"alice","ManagedPolicies":["use"]}`)
		return "", []string{members}, by(c.aliceKey(), "Encrypt", on)
	}}
}

// aliceKey gives alice another access key.
func (c accessTest) aliceKey() func(c accessTest) (identity.AccessKey, bool, error) {
	out := c.root().does("RotateAccessKey", "", `{"Name":"alice"}`)
	return userNamed(*out.(*api.RotateAccessKeyResponse).Made.AccessKeyId)
}

// ofARole is a change of identities, after which a session of a role cannot use a key as before.
func ofARole(members string) takingAway {
	return takingAway{func(c accessTest) (string, []string, use) {
		on := c.key()
		c.root().does("PutRole", "", fmt.Sprintf(`{"Name":"app","Trust":%q,"Policies":[{"Name":"p","Document":%q}]}`,
			trustPolicy(`{"AWS":"`+homeAccount+`"}`, ""), c.identity("allow kms:*")))
		c.user("alice", with(allowAll))
		out, err := c.assume(c.as("alice").who, "app", nil)
		if err != nil {
			c.Fatal(err)
		}
		session := func(c accessTest) (identity.AccessKey, bool, error) {
			return c.Session(c.Context(), *out.Credentials.SessionToken)
		}
		time.Sleep(time.Second) // so that the session is older than its end
		return "", []string{members}, by(session, "Encrypt", on)
	}}
}

// ofAGrant is a change that removes the only grant of bob.
func ofAGrant() takingAway {
	return takingAway{func(c accessTest) (string, []string, use) {
		c.user("bob")
		on := c.key()
		id, _ := c.root().grants(on, "bob", "Encrypt")
		return on, []string{fmt.Sprintf(`{"KeyId":%q,"GrantId":%q}`, on, id)}, by(userNamed("AKIABOB"), "Encrypt", on)
	}}
}

// byTag is a change of the tags of a key, on which the policy of the key depends.
func byTag(creation, policy string) takingAway {
	return takingAway{func(c accessTest) (string, []string, use) {
		c.alice()
		on := c.keyLike(creation, "allow home kms:*", policy)
		return on, nil, by(userNamed("AKIAALICE"), "Encrypt", on)
	}}
}

// takingsAway are the operations that take something away.
var takingsAway = map[string]takingAway{
	"DeleteAlias":   byAlias(),
	"UpdateAlias":   byAlias(),
	"DisableKey":    ofAKey(`{}`),
	"TagResource":   byTag(`{}`, `deny alice kms:* if StringEquals aws:ResourceTag/k v`),
	"UntagResource": byTag(`{"Tags":[{"TagKey":"k","TagValue":"v"}]}`, `deny alice kms:* if StringNotEquals aws:ResourceTag/k v`),
	"DeleteImportedKeyMaterial": ofAKey(`{"Origin":"EXTERNAL"}`, func(c accessTest, on string) {
		importMembers(c, on)
	}),
	"PutKeyPolicy": {func(c accessTest) (string, []string, use) {
		c.alice()
		on := c.key("allow home kms:*")
		return on, []string{fmt.Sprintf(`{"Policy":%q}`, c.document(true, "allow home kms:*", "deny alice kms:*"))}, by(userNamed("AKIAALICE"), "Encrypt", on)
	}},
	"RetireGrant":         ofAGrant(),
	"RevokeGrant":         ofAGrant(),
	"RotateKeyOnDemand":   ofAKey(`{}`),
	"ScheduleKeyDeletion": ofAKey(`{}`),

	"DeleteIdentity":   ofAlice(`{"Kind":"user","Name":"alice"}`),
	"PutPolicy":        ofAlice(`{"Name":"use","Document":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}"}`),
	"PutRole":          ofARole(`{"Name":"app","Trust":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"111122223333\"},\"Action\":\"sts:AssumeRole\"}]}"}`),
	"PutUser":          ofAlice(`{"Name":"alice"}`),
	"RevokeSessions":   ofARole(`{"Kind":"role","Name":"app"}`),
	"SetIdentityState": ofAlice(`{"Kind":"user","Name":"alice","Enabled":false}`),
}

// byAlias is a change of an alias, by which a key was used.
func byAlias() takingAway {
	return takingAway{func(c accessTest) (string, []string, use) {
		on := c.key()
		withAlias(c, on)
		return c.key(), nil, by(ofRoot, "Encrypt", "alias/old")
	}}
}

// waitsWithoutUse are the operations that wait for other nodes although requests that read memory do not depend on
// their change.
var waitsWithoutUse = map[string]string{
	"ImportKeyMaterial":   "it can shorten the life of the material",
	"UpdatePrimaryRegion": "it ends changes of the former primary key, which read the store",
	"MoveClock":           "of a dev server",
	"PutAccount":          "it deactivates no access key",
	"PutProvider":         "assumptions of roles read the store",
	"RotateAccessKey":     "see TestRotatedAccessKey",
	"SealMigrate":         "it changes how the keyring is opened, not what it opens",
	"SealRotate":          "what older data keys have sealed still opens",
}

// Every operation that changes something takes away nothing, or has a test that its use ends.
func TestOperationsThatTakeAway(t *testing.T) {
	table := operations(true)
	var waits, adds []string
	for name, o := range table {
		switch {
		case o.ReadOnly && o.onlyAdds:
			t.Errorf("%s changes nothing", name)
		case o.onlyAdds:
			adds = append(adds, name)
		case !o.ReadOnly:
			waits = append(waits, name)
		}
	}
	slices.Sort(adds)
	if !slices.Equal(adds, slices.Sorted(slices.Values(onlyAdds))) {
		t.Errorf("only add: %q, want %q", adds, onlyAdds)
	}
	tested := slices.AppendSeq(slices.Collect(maps.Keys(takingsAway)), maps.Keys(waitsWithoutUse))
	slices.Sort(tested)
	slices.Sort(waits)
	if !slices.Equal(waits, tested) {
		t.Errorf("take away: %q\ntested:    %q", waits, tested)
	}
}

// What one node has taken away, another node does not use after the answer, whatever its network suffers from.
func TestNothingIsUsedAfterItWasTakenAway(t *testing.T) {
	for _, fault := range []struct {
		name  string
		begin func(f *storetest.Faulty)
		reads bool // the store answers
	}{
		{"no fault", func(*storetest.Faulty) {}, true},
		{"silent feed", func(f *storetest.Faulty) { f.SilenceWatches(true) }, true},
		{"broken feed", func(f *storetest.Faulty) { f.Break(store.ErrCompacted) }, true},
		{"paused", func(f *storetest.Faulty) { f.SilenceWatches(true); f.Pause() }, false},
		{"cut off", func(f *storetest.Faulty) { f.SilenceWatches(true); f.Cut(true) }, false},
	} {
		t.Run(fault.name, func(t *testing.T) {
			for name, take := range takingsAway {
				t.Run(name, func(t *testing.T) {
					inTwoNodes(t, func(n twoNodes) { n.takesAway(name, take, func() { fault.begin(n.faults) }, fault.reads) })
				})
			}
		})
	}
}

func (n twoNodes) takesAway(name string, take takingAway, fault func(), reads bool) {
	t := n.a.T
	on, members, ends := take.prepare(n.a)
	time.Sleep(time.Second)
	synctest.Wait()
	before, err := ends(n.b)
	if err != nil {
		t.Errorf("before: %v", err)
		return
	}
	if _, err := ends(n.b); err != nil { // from memory
		t.Errorf("again: %v", err)
		return
	}
	fault()
	begun := time.Now()
	if _, err := n.a.root().try(name, on, members...); err != nil {
		t.Errorf("the change: %v", err)
		return
	}
	if took := time.Since(begun); took > 2500*time.Millisecond {
		t.Errorf("acknowledged after %v", took)
	}
	for range 3 {
		after, err := ends(n.b)
		refused, ok := errors.AsType[*key.Error](err)
		switch {
		case err == nil && (after == before || after == ""):
			t.Error("used after it was taken away")
		case reads && err != nil && !ok:
			t.Errorf("the store was not read: %v", err)
		case !reads && ok:
			t.Errorf("decided without the store: %v", refused)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// A deactivated access key is refused on every node, and a new one works on every node at once.
func TestRotatedAccessKey(t *testing.T) {
	inTwoNodes(t, func(n twoNodes) {
		n.a.root().does("PutUser", "", `{"Name":"alice"}`)
		n.faults.SilenceWatches(true)
		lookUp := n.a.aliceKey()
		if _, ok, err := lookUp(n.b); !ok || err != nil {
			n.a.Errorf("a new access key: %v, %v", ok, err)
		}
	})
}

// A user or role that one node enables signs requests on every node at once.
func TestEnabledSignersAreSeenAtOnce(t *testing.T) {
	inTwoNodes(t, func(n twoNodes) {
		n.a.user("alice", with(allowAll))
		n.a.role("app")
		out, err := n.a.assume(n.a.as("alice").who, "app", nil)
		if err != nil {
			t.Error(err)
			return
		}
		works := func(want bool) {
			t.Helper()
			_, session, err := n.b.Session(n.b.Context(), *out.Credentials.SessionToken)
			_, user, err2 := n.b.AccessKey(n.b.Context(), "AKIAALICE")
			if err != nil || err2 != nil || session != want || user != want {
				t.Errorf("the session: %v, %v; the access key: %v, %v; want %v", session, err, user, err2, want)
			}
		}
		enable := func(enabled bool) {
			for _, who := range []string{`{"Kind":"user","Name":"alice"}`, `{"Kind":"role","Name":"app"}`} {
				n.a.root().does("SetIdentityState", "", who, fmt.Sprintf(`{"Enabled":%v}`, enabled))
			}
		}
		works(true)
		enable(false)
		works(false)
		works(false) // from memory
		n.faults.SilenceWatches(true)
		n.a.confirmer = nil // no wait, so the memory of the other node is fresh
		enable(true)
		works(true)
	})
}

// If one node allows a request, another node allows it at once, although its memory is older: a node decides a refusal
// from memory again, from the store.
func TestAdditionsAreSeenAtOnce(t *testing.T) {
	inTwoNodes(t, func(n twoNodes) {
		on, granted := n.a.key(), n.a.key()
		n.a.root().does("DisableKey", on)
		n.a.user("bob")
		time.Sleep(2 * time.Second) // then no answer waits for these changes
		use := by(userNamed("AKIABOB"), "Encrypt", granted)
		if _, err := use(n.b); err == nil {
			t.Error("bob may encrypt")
		}
		if _, err := n.b.root().try("Encrypt", on); err == nil {
			t.Error("encrypted under a disabled key")
		}
		n.faults.SilenceWatches(true)
		begun := time.Now()
		n.a.root().does("EnableKey", on)
		n.a.root().grants(granted, "bob", "Encrypt")
		if took := time.Since(begun); took > 0 {
			t.Errorf("operations that only add took %v", took)
		}
		if _, err := n.b.root().try("Encrypt", on); err != nil {
			t.Errorf("under a key that was enabled: %v", err)
		}
		if _, err := use(n.b); err != nil {
			t.Errorf("with a new grant: %v", err)
		}
		n.a.root().does("DisableKey", on)
		n.a.root().does("EnableKey", on)
		out := n.b.root().does("DescribeKey", on).(*api.DescribeKeyResponse)
		if *out.KeyMetadata.KeyState != "Enabled" {
			t.Errorf("the key is %s", *out.KeyMetadata.KeyState)
		}
	})
}

// An answer whose decision has become too old does not leave.
func TestLastLook(t *testing.T) {
	inTwoNodes(t, func(n twoNodes) {
		on := n.a.key()
		synctest.Wait()
		op, in := n.b.request("Encrypt", on)
		encrypt := func(late func()) error {
			op := op
			run := op.run
			op.run = func(c *call, in any) (any, error) { out, err := run(c, in); late(); return out, err }
			_, err := n.b.Do(n.b.Context(), Request{Caller: testCaller, Operation: op, Input: in})
			return err
		}
		if err := encrypt(func() { time.Sleep(time.Hour) }); err != nil {
			t.Errorf("after an hour in which the feed told everything: %v", err)
		}
		n.faults.SilenceWatches(true)
		n.faults.Pause()
		if err := encrypt(func() { time.Sleep(2 * time.Second) }); err == nil {
			t.Error("answered from a memory of which nothing is known")
		}
		c := &call{Service: n.b.Service}
		if c.asOf = time.Now(); c.lastLook() != nil {
			t.Error("the last look refuses a new decision")
		}
		time.Sleep(1100 * time.Millisecond)
		if !errors.Is(c.lastLook(), errTooOld) {
			t.Error("the last look accepts an old decision")
		}
	})
}

// A confirmed is a Confirmer that notes its questions.
type confirmed struct{ asked chan int64 }

func (c confirmed) Await(_ context.Context, read store.Reads, since time.Time) (bool, error) {
	if since.After(time.Now()) {
		return false, errors.New("the time lies in the future")
	}
	c.asked <- read.Written()
	return false, nil
}

// last returns the last revision that the Confirmer was asked for, and forgets all of them.
func (c confirmed) last() (rev int64) {
	for len(c.asked) > 0 {
		rev = <-c.asked
	}
	return rev
}

// revision returns the revision that wrote a key last.
func (c accessTest) revision(on string) (rev int64) {
	c.Helper()
	ref, err := key.ParseReference(on, homeAccount, "eu-west-2")
	if err == nil {
		err = c.store.View(c.Context(), func(v *store.View) (err error) {
			rev, err = records.Keys.Revision(v, records.KeyPath(ref.Account, ref.Region, ref.KeyID))
			return err
		})
	}
	if err != nil || rev == 0 {
		c.Errorf("the key has revision %d, %v", rev, err)
	}
	return rev
}

// A change that takes something away waits for the other nodes, with its own revision. A change that only adds, and
// every other answer, wait with the revision of the records that they read. If the wait fails, the change is made all
// the same.
func TestAnswersWaitForTheConfirmer(t *testing.T) {
	all := confirmed{make(chan int64, 1000)}
	inTwoNodes(t, func(n twoNodes) {
		on := n.a.key()
		made := n.a.revision(on)
		waits := func(operation string, want int64) {
			t.Helper()
			all.last()
			_, err := n.a.root().try(operation, on)
			if refused, ok := errors.AsType[*key.Error](err); err != nil && (!ok || refused.Kind != key.KindDisabled) {
				t.Error(err)
			}
			if got := all.last(); got != want {
				t.Errorf("%s waited for revision %d, want %d", operation, got, want)
			}
		}
		waits("EnableKey", made)
		enabled := n.a.revision(on)
		waits("Encrypt", enabled)
		all.last()
		if _, err := n.a.as("other").try("DisableKey", on); err == nil || all.last() != enabled {
			t.Error("another account disables the key, or does not wait for what was read")
		}
		n.a.root().does("DisableKey", on)
		disabled := n.a.revision(on)
		if rev := all.last(); rev != disabled {
			t.Errorf("waited for revision %d, want %d", rev, disabled)
		}
		waits("DescribeKey", disabled)
		waits("Encrypt", disabled)
		waits("RotateKeyOnDemand", disabled)
		n.a.confirmer = failing{}
		if _, err := n.a.root().try("ScheduleKeyDeletion", on); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrMade) {
			t.Errorf("the wait failed, and the answer is %v", err)
		}
		for _, operation := range []string{"DescribeKey", "Encrypt"} {
			if _, err := n.a.root().try(operation, on); !errors.Is(err, context.Canceled) {
				t.Errorf("the wait failed, and the answer to %s is %v", operation, err)
			}
		}
		n.a.confirmer = all
		out := n.a.root().does("DescribeKey", on).(*api.DescribeKeyResponse)
		if *out.KeyMetadata.KeyState != "PendingDeletion" {
			t.Errorf("the key is %s", *out.KeyMetadata.KeyState)
		}
	}, func(c *Config) { c.Confirmer = all })
}

// A change that finds its result in the store waits too: another node may have made the change, and may not have
// acknowledged it yet.
func TestRepeatedChangesWaitForTheConfirmer(t *testing.T) {
	all := confirmed{make(chan int64, 1000)}
	inTwoNodes(t, func(n twoNodes) {
		n.a.root().does("PutUser", "", `{"Name":"bob"}`)
		first := all.last()
		n.a.root().does("PutUser", "", `{"Name":"bob"}`)
		if second := all.last(); first == 0 || second != first {
			t.Errorf("waited for the revisions %d and %d", first, second)
		}
	}, func(c *Config) { c.Confirmer = all })
}

// What a node has shown of a change, every other node shows from then on, although the change is not acknowledged yet.
func TestWhatOneNodeShowsHolds(t *testing.T) {
	for name, take := range takingsAway {
		t.Run(name, func(t *testing.T) {
			inTwoNodes(t, func(n twoNodes) {
				on, members, ends := take.prepare(n.a)
				time.Sleep(time.Second)
				synctest.Wait()
				before, err := ends(n.b)
				if err != nil {
					t.Fatal(err)
				}
				n.faults.SilenceWatches(true)
				made := make(chan error, 1)
				go func() {
					_, err := n.a.root().try(name, on, members...)
					made <- err
				}()
				time.Sleep(100 * time.Millisecond)
				begun := time.Now()
				if _, err := ends(n.b); err != nil && !strings.Contains(name, "Grant") { // grants are not kept in memory
					t.Errorf("the other node does not use its memory: %v", err)
				}
				if after, err := ends(n.a); err == nil && after == before {
					t.Error("the node does not show its own change")
				}
				if took := time.Since(begun); took < 500*time.Millisecond || took > nodes.DefaultTiming.Bound {
					t.Errorf("answered after %v", took)
				}
				if after, err := ends(n.b); err == nil && after == before {
					t.Error("another node does not show what the first one has shown")
				}
				if err := <-made; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What a node has read from the store, it does not use from its memory any more.
func TestWhatIsReadHoldsOnTheSameNode(t *testing.T) {
	inTwoNodes(t, func(n twoNodes) {
		on := n.a.key()
		synctest.Wait()
		n.b.root().does("Encrypt", on)
		n.faults.SilenceWatches(true)
		made := make(chan error, 1)
		go func() {
			_, err := n.a.root().try("DisableKey", on)
			made <- err
		}()
		time.Sleep(100 * time.Millisecond)
		n.b.root().does("Encrypt", on)
		if out := n.b.root().does("DescribeKey", on).(*api.DescribeKeyResponse); *out.KeyMetadata.KeyState != "Disabled" {
			t.Errorf("the key is %s", *out.KeyMetadata.KeyState)
		}
		if _, err := n.b.root().try("Encrypt", on); err == nil {
			t.Error("used a key that was shown as disabled")
		}
		if err := <-made; err != nil {
			t.Error(err)
		}
	})
}

// A use that was decided before a change, and that has to wait, is not answered after the acknowledgement.
func TestUsesThatWaitAreDecidedAgain(t *testing.T) {
	inTwoNodes(t, func(n twoNodes) {
		on := n.a.key()
		n.a.root().does("DisableKey", on)
		time.Sleep(2 * time.Second)
		n.faults.Cut(true) // nobody confirms what follows
		n.a.root().does("EnableKey", on)
		used, made := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := n.a.root().try("Encrypt", on)
			used <- err
		}()
		time.Sleep(500 * time.Millisecond)
		go func() {
			_, err := n.a.root().try("DisableKey", on)
			made <- err
		}()
		begun := time.Now()
		if err := <-used; !errors.Is(err, errTooOld) {
			t.Errorf("used while the key was disabled: %v", err)
		}
		if took := time.Since(begun); took > nodes.DefaultTiming.Bound {
			t.Errorf("waited for %v", took)
		}
		if err := <-made; err != nil {
			t.Error(err)
		}
		if _, err := n.a.root().try("EnableKey", on); err != nil {
			t.Error(err)
		}
		if _, err := n.a.root().try("Encrypt", on); err != nil {
			t.Errorf("after a wait: %v", err)
		}
	})
}

type failing struct{}

func (failing) Await(context.Context, store.Reads, time.Time) (bool, error) {
	return false, context.Canceled
}

// The policies of a user are not compiled from records of different moments.
func TestPoliciesAreOfOneMoment(t *testing.T) {
	inTwoNodes(t, func(n twoNodes) {
		n.a.alice()
		on := n.a.key()
		synctest.Wait()
		use := by(userNamed("AKIAALICE"), "Encrypt", on)
		if _, err := use(n.b); err != nil {
			t.Error(err)
		}
		// Another node changes alice. Memory gets the account before the feed tells the change.
		n.faults.SilenceWatches(true)
		n.a.user("alice")
		n.b.root().does("ShowIdentity", "", `{"Kind":"user","Name":"alice"}`)
		use(n.b)
		n.heal()
		if _, err := use(n.b); err == nil {
			t.Error("policies of before the change are used under the account of after it")
		}
	})
}

// countViews counts the Views of a Backend.
type countViews struct {
	store.Backend
	views *atomic.Int64
}

func (b countViews) View(ctx context.Context, fn func(store.Reader) error) error {
	b.views.Add(1)
	return b.Backend.View(ctx, fn)
}

// A decision from memory costs the store nothing. An unknown access key costs one View, and so does a refusal from
// memory and an operation that shows stored values.
func TestViewsOfASharedStore(t *testing.T) {
	var views atomic.Int64
	inTwoNodes(t, func(n twoNodes) {
		n.a.user("bob")
		n.a.alice()
		n.a.setKey("AKIABOB", true)
		on := n.a.key()
		synctest.Wait()
		for _, test := range []struct {
			who  string
			want int64
		}{{"AKIAALICE", 0}, {"AKIABOB", 1}, {"AKIAUNKNOWN", 1}} {
			for range 2 { // the first time fills memory
				views.Store(0)
				by(userNamed(test.who), "Encrypt", on)(n.b)
			}
			if views.Load() != test.want {
				t.Errorf("%s: %d Views, want %d", test.who, views.Load(), test.want)
			}
		}
		views.Store(0)
		n.b.root().does("DescribeKey", on)
		if views.Load() != 1 {
			t.Errorf("DescribeKey: %d Views", views.Load())
		}
	}, func(c *Config) { c.Backend = countViews{c.Backend, &views} })
}

// readSlots counts how often material is opened.
type readSlots struct {
	store.Slots
	reads *atomic.Int64
}

func (s readSlots) Get(ctx context.Context, name string) ([]byte, error) {
	s.reads.Add(1)
	return s.Slots.Get(ctx, name)
}

// A change of a key on one node drops the opened material of this key, and of no other key, from the memory of
// another node.
func TestOpenedMaterialLeavesMemory(t *testing.T) {
	var reads atomic.Int64
	inTwoNodes(t, func(n twoNodes) {
		one, other := n.a.key(), n.a.key()
		synctest.Wait()
		opened := func(want int64, when string) {
			t.Helper()
			reads.Store(0)
			for _, on := range []string{one, other} {
				n.b.root().does("Encrypt", on)
			}
			if reads.Load() != want {
				t.Errorf("%s: opened %d materials, want %d", when, reads.Load(), want)
			}
		}
		opened(2, "at first")
		opened(0, "again")
		n.a.root().does("TagResource", one)
		opened(1, "after a change of one key")
		opened(0, "again")
		n.faults.Break(store.ErrCompacted)
		time.Sleep(time.Second)
		opened(2, "after the feed was broken")
	}, func(c *Config) { c.Slots = readSlots{c.Slots, &reads} })
}

// A request under way does not hand out anything that another node takes away meanwhile, and an operation that shows
// stored values shows the newest change of another node. A node acknowledges its own change when its own memory has it.
func TestNodesDuringARequest(t *testing.T) {
	inTwoNodes(t, func(n twoNodes) {
		on := n.a.key()
		synctest.Wait()
		op, in := n.b.request("Encrypt", on)
		run := op.run
		op.run = func(c *call, in any) (any, error) {
			out, err := run(c, in)
			n.a.root().does("DisableKey", on)
			return out, err
		}
		_, err := n.b.Do(n.b.Context(), Request{Caller: testCaller, Operation: op, Input: in})
		n.b.wantRefusal(err, key.KindDisabled, "disabled")

		n.b.root().does("DescribeKey", on)
		n.faults.SilenceWatches(true)
		n.a.root().does("UpdateKeyDescription", on, `{"Description":"new"}`)
		out := n.b.root().does("DescribeKey", on).(*api.DescribeKeyResponse)
		if *out.KeyMetadata.Description != "new" {
			t.Errorf("the description is %q", *out.KeyMetadata.Description)
		}

		n.faults.SilenceWatches(false)
		time.Sleep(2 * time.Second)
		n.faults.SilenceWatches(true)
		begun := time.Now()
		n.b.root().does("ScheduleKeyDeletion", on)
		if took := time.Since(begun); took < time.Second {
			t.Errorf("acknowledged after %v, although its own feed is silent", took)
		}
	})
}
