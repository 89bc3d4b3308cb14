package key

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// family returns a primary key in eu-west-2 with replicas in the given Regions, followed by the replicas.
func family(t *testing.T, replicas ...string) (all Related) {
	t.Helper()
	primary := externalKey(Enabled, presentMaterial(materialA, noon.Add(day)), presentMaterial(materialB, time.Time{}))
	primary.ID, primary.MultiRegion = mrk, MultiRegion{Primary: region}
	all = Related{primary}
	for _, r := range replicas {
		k, err := all[0].WithReplica(r)
		if err != nil {
			t.Fatal(err)
		}
		replica := k.NewReplica(r)
		for i := range replica.Materials {
			replica.Materials[i].Sealed = []byte("sealed")
		}
		replica.State = Enabled
		all[0] = k
		all = append(all, replica)
	}
	return all
}

func regionsOf(k Key) (regions []string) {
	for _, r := range k.MultiRegion.Replicas {
		regions = append(regions, r.Region)
	}
	return regions
}

func TestNewReplica(t *testing.T) {
	primary := family(t)[0]
	primary.Description, primary.Policy, primary.Tags, primary.Spec, primary.Usage = "d", "p", []Tag{{"a", "b"}}, "RSA_2048", "SIGN_VERIFY"
	before := fmt.Sprint(primary)
	got := primary.NewReplica("ap-south-1")
	want := Key{
		ID: mrk, Account: account, Region: "ap-south-1", Spec: "RSA_2048", Usage: "SIGN_VERIFY", Origin: OriginExternal, State: PendingImport,
		Materials: []Material{{ID: materialA}, {ID: materialB}}, MultiRegion: MultiRegion{Primary: region},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if fmt.Sprint(primary) != before {
		t.Error("the primary key was changed")
	}
	if !got.IsReplica() || got.IsPrimary() || !primary.IsPrimary() || primary.IsReplica() || externalKey(Enabled).IsMultiRegion() || externalKey(Enabled).IsPrimary() || externalKey(Enabled).IsReplica() {
		t.Error("the keys have the wrong roles")
	}
	wantError(t, got.CheckPrimary(), KindUnsupportedOperation, "")
	wantError(t, externalKey(Enabled).CheckPrimary(), KindUnsupportedOperation, keyARN+" is not a multi-region primary key.")
	if err := primary.CheckPrimary(); err != nil {
		t.Error(err)
	}
}

func TestMultiRegionID(t *testing.T) {
	if got := MultiRegionID(uuid); got != mrk || !ValidID(got) || !IsMultiRegionID(got) || IsMultiRegionID(uuid) {
		t.Error(got)
	}
}

func TestWithReplica(t *testing.T) {
	k := family(t, "us-east-1", "ap-south-1", "eu-west-1")[0]
	if got := regionsOf(k); !slices.Equal(got, []string{"ap-south-1", "eu-west-1", "us-east-1"}) {
		t.Errorf("%q", got)
	}
	for i := len(k.MultiRegion.Replicas); i < MaxReplicas; i++ {
		var err error
		if k, err = k.WithReplica(fmt.Sprintf("xx-yy-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := k.WithReplica("us-west-1")
	wantError(t, err, KindLimitExceeded, "")
}

// The waiting period of a primary key begins when its last replica is gone, even if nobody reads the key until
// later.
func TestDeletionOfAPrimaryKey(t *testing.T) {
	k := family(t, "us-east-1", "ap-south-1")[0].ScheduleDeletion(10, noon)
	if k.State != PendingReplicaDeletion || !k.DeletionDate.IsZero() || !k.At(noon.Add(1000*day)).CancelDeletion().DeletionDate.IsZero() {
		t.Errorf("%+v", k)
	}
	k = k.WithReplicaDeletion("us-east-1", noon.Add(7*day))
	if due := k.Due(); due != noon.Add(day) { // the expiry of its material
		t.Errorf("due %s", due)
	}
	k.Materials = k.Materials[1:]
	if due := k.Due(); due != noon.Add(7*day) {
		t.Errorf("due %s", due)
	}
	both := k.WithReplicaDeletion("ap-south-1", noon.Add(20*day))
	for _, test := range []struct {
		after    time.Duration
		state    State
		replicas int
	}{
		{7*day - 1, PendingReplicaDeletion, 2}, {7 * day, PendingReplicaDeletion, 1}, {20*day - 1, PendingReplicaDeletion, 1},
		{20 * day, PendingDeletion, 0}, {30*day - 1, PendingDeletion, 0}, {30 * day, Gone, 0}, {90 * day, Gone, 0},
	} {
		now := noon.Add(test.after)
		got := both.At(now)
		if got.State != test.state || len(got.MultiRegion.Replicas) != test.replicas {
			t.Errorf("after %s: %s, %d replicas", test.after, got.State, len(got.MultiRegion.Replicas))
		}
		if test.state == PendingDeletion && (got.DeletionDate != noon.Add(30*day) || got.MultiRegion.DeletionWindow != 0) {
			t.Errorf("after %s: %s, %d", test.after, got.DeletionDate, got.MultiRegion.DeletionWindow)
		}
		if again := got.At(now); !reflect.DeepEqual(again, got) {
			t.Errorf("after %s: %+v, and then %+v", test.after, got, again)
		}
	}
	// While one replica exists, the primary key does too. A primary key that is not pending deletion only
	// forgets replicas.
	if got := k.At(noon.Add(90 * day)); got.State != PendingReplicaDeletion || !slices.Equal(regionsOf(got), []string{"ap-south-1"}) {
		t.Errorf("%+v", got)
	}
	if got := both.CancelDeletion().Enable(noon).At(noon.Add(90 * day)); got.State != Enabled || got.MultiRegion.Replicas != nil || got.MultiRegion.DeletionWindow != 0 {
		t.Errorf("%+v", got)
	}
	if len(both.MultiRegion.Replicas) != 2 {
		t.Error("the key was changed")
	}
}
