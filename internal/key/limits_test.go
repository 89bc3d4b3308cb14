package key

import (
	"strings"
	"testing"
)

// The limits have the numbers of the API reference and of "Quotas" in the developer guide. Other tests use
// their names.
func TestNumbersOfLimits(t *testing.T) {
	for name, pair := range map[string][2]int{
		"MaxReplicas":           {MaxReplicas, 40},
		"MaxGrants":             {MaxGrants, 50000},
		"MaxPolicySize":         {MaxPolicySize, 32768},
		"MinRotationPeriod":     {MinRotationPeriod, 90},
		"MaxRotationPeriod":     {MaxRotationPeriod, 2560},
		"DefaultRotationPeriod": {DefaultRotationPeriod, 365},
		"MaxOnDemandRotations":  {MaxOnDemandRotations, 25},
		"MinDeletionWindow":     {MinDeletionWindow, 7},
		"MaxDeletionWindow":     {MaxDeletionWindow, 30},
		"DefaultDeletionWindow": {DefaultDeletionWindow, 30},
		"MaxAliases":            {MaxAliases, 50},
		"MaxTags":               {MaxTags, 50},
		"maxAliasName":          {maxAliasName, 256},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %d, want %d", name, pair[0], pair[1])
		}
	}
	if MaxValidity.Hours() != 8760 || rotationConflict.Minutes() != 20 {
		t.Errorf("MaxValidity is %v, rotationConflict is %v", MaxValidity, rotationConflict)
	}
}

// The tables refuse malformed lines, with a message that names the line.
func TestBrokenTables(t *testing.T) {
	for want, parse := range map[string]func(){
		`grid line "Encrypt" has 1 cells, not 2`:             func() { parseRules("operation A B\nEncrypt ok") },
		`grid line "Encrypt" has the unknown word "perhaps"`: func() { parseRules("operation A B\nEncrypt ok perhaps") },
		`line of wrappings "RSA_2048" has 1 cells, not 2`:    func() { parseWrappings("spec : A B\nRSA_2048 all") },
		`wrappings of RSA_2048 have the unknown word "some"`: func() { parseWrappings("spec : A\nRSA_2048 some") },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, want) {
					t.Errorf("got %q, want %q", text, want)
				}
			}()
			parse()
		}()
	}
}

// An Error of the clock says so.
func TestErrorsOfTheClock(t *testing.T) {
	if e := Errorf(KindInvalidState, "x"); e.ByClock || !e.OfClock().ByClock || !e.ByClock {
		t.Errorf("got %+v", e)
	}
}

// The index of due times lists a key at the time that its record names, and else when the key is due.
func TestListedAt(t *testing.T) {
	k := keyDeletedAt(noon)
	if got := k.ListedAt(); !got.Equal(noon) {
		t.Errorf("got %v", got)
	}
	if k.Listed = noon.Add(day); !k.ListedAt().Equal(k.Listed) {
		t.Errorf("got %v", k.ListedAt())
	}
	if got := externalKey(Enabled).ListedAt(); !got.IsZero() {
		t.Errorf("got %v", got)
	}
}

// A primary key with a single replica waits for it.
func TestDeletionWithOneReplica(t *testing.T) {
	k := family(t, far)[0].ScheduleDeletion(7, noon)
	if k.State != PendingReplicaDeletion || k.MultiRegion.DeletionWindow != 7 || !k.DeletionDate.IsZero() {
		t.Errorf("got %+v", k)
	}
}

// WithText leaves the key that it gets.
func TestWithTextLeavesItsKey(t *testing.T) {
	k := externalKey(Enabled, presentMaterial(materialA, noon))
	k.Pending = &Material{ID: materialB, Description: "before"}
	changed := k.WithText(Text{Materials: map[string]string{materialA: "one", materialB: "two"}})
	if k.Materials[0].Description != "of a" || k.Pending.Description != "before" {
		t.Errorf("the key changed: %+v", k)
	}
	if changed.Materials[0].Description != "one" || changed.Pending.Description != "two" {
		t.Errorf("got %+v", changed)
	}
}

// Material that is imported later has the attributes of its own import alone.
func TestNewMaterialInheritsNothing(t *testing.T) {
	m := presentMaterial(materialB, noon)
	m.RotationType, m.RotationDate = RotationOnDemand, noon
	got, err := externalKey(Enabled, presentMaterial(materialA, noon)).ImportNewMaterial(m, nil)
	if err != nil || got.Pending.Description != "" || got.Pending.RotationType != "" || !got.Pending.RotationDate.IsZero() {
		t.Errorf("%+v, %v", got.Pending, err)
	}
}

// A reference has at most the length of an alias name.
func TestLongestReference(t *testing.T) {
	longest := AliasPrefix + strings.Repeat("a", 256-len(AliasPrefix))
	for _, arn := range []string{"", "arn:aws:kms:" + region + ":" + account + ":"} {
		if ref, err := ParseReference(arn+longest, account, region); err != nil || ref.Alias != longest {
			t.Errorf("%+v, %v", ref, err)
		}
		_, err := ParseReference(arn+longest+"a", account, region)
		wantError(t, err, KindNotFound, "Invalid keyId '"+arn+longest+"a'")
	}
}

// A message that an algorithm cannot sign is refused with the text of its kind.
func TestRefusedMessages(t *testing.T) {
	for _, test := range []struct {
		algorithm, messageType string
		size                   int
		want                   string
	}{
		{"X", "RAW", 1, "MessageType RAW is not valid for the signing algorithm X."},
		{"ED25519_SHA_512", "DIGEST", 64, "MessageType DIGEST is not valid for the signing algorithm ED25519_SHA_512."},
		{"ECDSA_SHA_256", "DIGEST", 31, "Digest is invalid length for algorithm ECDSA_SHA_256."},
		{"ML_DSA_SHAKE_256", "EXTERNAL_MU", 63, "A Message of the type EXTERNAL_MU must have a length of 64 bytes."},
	} {
		wantError(t, CheckMessage(test.algorithm, test.messageType, test.size), KindValidation, test.want)
	}
}

// The message about replicas without the pending material names the material and the primary key.
func TestLackingReplicasAreNamed(t *testing.T) {
	all := importedFamily(t, presentMaterial(materialB, noon.Add(day)), Material{ID: materialC}, Material{ID: materialC})
	wantError(t, all.CheckOnDemand(noon), KindInvalidState, "Key material "+materialB+" is pending import: "+all[0].ARN()+
		" cannot be rotated before its replica keys have it, and those in "+far+", "+near+" do not.")
}
