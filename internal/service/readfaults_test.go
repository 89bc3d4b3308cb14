package service

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
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

// A request fails if a record that it reads cannot be read, whichever it is, or if its commit fails. No operation takes
// a failed read for an absent record.
func TestARequestFailsWithItsReads(t *testing.T) {
	errRead := errors.New("the disk does not answer")
	for _, r := range slices.Concat(changingRequests(), readingRequests(), relatedRequests(),
		requestsOfOtherSpecs(), requestsOfReplicas(), requestsOfEachKind()) {
		t.Run(r.name, func(t *testing.T) {
			c, d := newInterruptibleTest(t)
			a, operation, on, members := r.prepare(c)
			for at := 1; ; at++ {
				a.accessTest = d.open(t) // has nothing in memory
				i := &interruption{at: at, fn: func() {}, err: errRead}
				err := a.interruptedBy(i, operation, on, members...)
				if !i.interrupt {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				if !errors.Is(err, errRead) {
					t.Errorf("without %v: %v", i.broken, err)
				}
			}
		})
	}
}
