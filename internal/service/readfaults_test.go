package service

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// readingMembers are members of the requests of administrators.
var readingMembers = map[string]string{
	"ListIdentities": `{"Kind":"user"}`,
	"ShowIdentity":   `{"Kind":"user","Name":"alice"}`,
}

// ofOtherKeys are operations that need a key of another spec. They read what Encrypt reads.
var ofOtherKeys = strings.Fields(`Decapsulate DeriveSharedSecret Encapsulate GenerateMac GetPublicKey Sign Verify VerifyMac`)

// readingRequests returns requests of all operations of KMS and of dev servers that change nothing.
func readingRequests() (all []preparedRequest) {
	for name, o := range operations(true) {
		if !o.ReadOnly || o.Target != api.TargetKMS && readingMembers[name] == "" || slices.Contains(ofOtherKeys, name) {
			continue
		}
		all = append(all, preparedRequest{name, func(c accessTest) (actor, string, string, []string) {
			c.alice()
			keyMembers := `{}`
			if name == "GetParametersForImport" {
				keyMembers = external
			}
			a, on, members := c.as("alice"), c.keyLike(keyMembers), []string(nil)
			if text, ok := readingMembers[name]; ok {
				members = append(members, text)
			}
			if o.Target != api.TargetKMS {
				a = c.rootWithKey()
			}
			if name == "Decrypt" || name == "ReEncrypt" {
				members = append(members, ciphertext(c.blob(on)))
			}
			return a, name, on, members
		}})
	}
	return all
}

// relatedRequests returns requests that change several keys, or a key and the date on which it is due.
func relatedRequests() (all []preparedRequest) {
	row := func(operation, keyMembers string, prepare func(c accessTest, on string) []string) {
		all = append(all, preparedRequest{operation + " of related keys", func(c accessTest) (actor, string, string, []string) {
			c.alice()
			on := c.keyLike(keyMembers)
			return c.as("alice"), operation, on, prepare(c, on)
		}})
	}
	ownMaterial := `{"Origin":"EXTERNAL","MultiRegion":true}`
	ready := func(c accessTest, on string) {
		c.root().does("ImportKeyMaterial", on, importMembers(c, on))
		c.root().does("ReplicateKey", on, `{"ReplicaRegion":"eu-west-10"}`)
	}
	row("RotateKeyOnDemand", multiRegion, func(c accessTest, on string) []string {
		c.root().does("ReplicateKey", on, `{"ReplicaRegion":"eu-west-10"}`)
		return nil
	})
	row("ImportKeyMaterial", ownMaterial, func(c accessTest, on string) []string {
		ready(c, on)
		return []string{c.importOf(on, append(make([]byte, 31), 1)), asNewMaterial}
	})
	row("ListKeyRotations", ownMaterial, func(c accessTest, on string) []string {
		ready(c, on)
		c.root().does("ImportKeyMaterial", on, c.importOf(on, append(make([]byte, 31), 1)), asNewMaterial)
		return []string{`{"IncludeKeyMaterial":"ALL_KEY_MATERIAL"}`}
	})
	row("ListAliases", `{}`, func(c accessTest, on string) []string {
		withAlias(c, on)
		return []string{fmt.Sprintf(`{"KeyId":%q}`, on)}
	})
	return all
}

// allRequests returns requests of all operations that read records. The provider verifies their tokens.
func allRequests(p provider) []preparedRequest {
	return slices.Concat(changingRequests(), readingRequests(), relatedRequests(), requestsOfOtherSpecs(),
		requestsOfReplicas(), requestsOfEachKind(), requestsOfSessions(p), explainingRequests())
}

// An interruptedRequest is a request that an interruption meets, on a deployment that has nothing in memory.
type interruptedRequest struct {
	actor
	*interruption
	interruptible
	operation, on string
	members       []string
}

func (r interruptedRequest) send() (any, error) {
	return r.answerDespite(r.interruption, r.operation, r.on, r.members...)
}

// eachInterruption tests each request with the interruption at each number from 1 on, up to one that no longer meets
// the request.
func eachInterruption(t *testing.T, like interruption, test func(t *testing.T, r interruptedRequest)) {
	p := newProvider(t)
	for _, r := range allRequests(p) {
		t.Run(r.name, func(t *testing.T) {
			i := like
			i.committed = true
			var next interruptedRequest
			for i.at = 1; ; i.at++ {
				if i.committed {
					c, d := newInterruptibleTest(t)
					d.web = p
					next.interruptible = d
					next.actor, next.operation, next.on, next.members = r.prepare(c)
				}
				next.accessTest = next.open(t)
				i = interruption{at: i.at, fn: func() {}, err: like.err, once: like.once, damages: like.damages}
				next.interruption = &i
				if test(t, next); !i.interrupt {
					return
				}
			}
		})
	}
}

var errRead = errors.New("the disk does not answer")

// A request fails if any record that it reads cannot be read, or if its commit fails. No operation takes a failed read
// for an absent record.
func TestARequestFailsWithItsReads(t *testing.T) {
	eachInterruption(t, interruption{err: errRead}, func(t *testing.T, r interruptedRequest) {
		_, err := r.send()
		if r.interrupt && !errors.Is(err, errRead) || !r.interrupt && err != nil {
			t.Errorf("without %v: %v", r.broken, err)
		}
	})
}

// A request fails if any record that it reads is damaged. No operation takes a damaged record for an absent one. The
// values of an index do not matter. Of a fence, and of the keyring that a transaction replaces, the revision alone
// matters.
func TestARequestFailsWithDamagedRecords(t *testing.T) {
	eachInterruption(t, interruption{damages: true}, func(t *testing.T, r interruptedRequest) {
		_, err := r.send()
		_, corrupt := errors.AsType[*store.CorruptError](err)
		ignored := func() bool {
			kind, _, _ := strings.Cut(r.broken[0], "/")
			return slices.Contains([]string{records.AliasesOfKey.Prefix, records.Fences.Prefix, "keyring"}, kind)
		}
		if r.interrupt && !corrupt && !ignored() {
			t.Errorf("with %q damaged: %v", r.broken, err)
		}
	})
}

// A request that succeeds although one of its reads failed once has the answer of a request without failure, and
// commits as many records of each kind.
func TestAResponseIsWhole(t *testing.T) {
	var despite []interruptedAnswer
	eachInterruption(t, interruption{err: errRead, once: true}, func(t *testing.T, r interruptedRequest) {
		out, err := r.send()
		got := interruptedAnswer{nil, countKinds(dump(t, r.interruptible.Backend))}
		if strings.HasPrefix(r.operation, "List") || strings.HasPrefix(r.operation, "Show") || strings.HasPrefix(r.operation, "Explain") {
			got.answer = out // other answers have random parts
		}
		switch {
		case !r.interrupt:
			for _, other := range despite {
				if err != nil || !reflect.DeepEqual(got, other) {
					t.Errorf("%+v, %v, and after a failure %+v", got, err, other)
				}
			}
			despite = nil
		case err == nil:
			despite = append(despite, got)
		case !errors.Is(err, errRead):
			t.Errorf("after a failure of %q: %v", r.failed, err)
		}
	})
}

// An interruptedAnswer is an answer, and the number of records of each kind after the request.
type interruptedAnswer struct {
	answer  any
	records map[string]int
}

func countKinds(records map[string]int64) map[string]int {
	kinds := map[string]int{}
	for path := range records {
		kind, _, _ := strings.Cut(path, "/")
		kinds[kind]++
	}
	return kinds
}
