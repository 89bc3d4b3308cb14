package main

import (
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

var multiRegionID = regexp.MustCompile(`^mrk-[0-9a-f]{32}$`)

// A twoRegions is a multi-Region key, which has one ID and an ARN in each Region.
type twoRegions struct {
	*walk
	id          *string
	here, there string // the ARNs
}

// regions makes calls about a key in two Regions, from its creation to its deletion.
func regions(w *walk) {
	r := &twoRegions{walk: w}
	w.call("CreateKey of a multi-Region key", r.create)
	r.replication()
	w.call("DescribeKey in both Regions", func() error { return r.primaryIs(r.here, r.there) })
	w.call("Decrypt in the other Region", func() error {
		if err := r.travels(w.kms, w.abroad, r.there); err != nil {
			return err
		}
		return r.travels(w.abroad, w.kms, r.here)
	})
	r.primary()
	r.deletion()
}

func (r *twoRegions) create() error {
	key, err := r.createKey(&kms.CreateKeyInput{MultiRegion: aws.Bool(true)})
	if err != nil {
		return err
	}
	r.id, r.here = key.KeyId, *key.Arn
	r.there = strings.Replace(r.here, ":"+home+":", ":"+abroad+":", 1)
	got := []bool{aws.ToBool(key.MultiRegion), multiRegionID.MatchString(aws.ToString(key.KeyId))}
	if err := expect("a multi-Region key, and an ID of one", got, []bool{true, true}); err != nil {
		return err
	}
	return expect("the Regions", regionsOf(key), []string{"PRIMARY", home + " " + r.here})
}

func (r *twoRegions) replication() {
	to := aws.String(abroad)
	r.call("ReplicateKey", func() error {
		out, err := r.kms.ReplicateKey(r.ctx, &kms.ReplicateKeyInput{KeyId: r.id, ReplicaRegion: to})
		if err != nil {
			return err
		}
		key, err := present(out.ReplicaKeyMetadata)
		if err != nil {
			return err
		}
		return expect("the ARN and the state", []any{*key.Arn, key.KeyState}, []any{r.there, types.KeyStateEnabled})
	})
	r.call("ReplicateKey where a replica is", func() error {
		_, err := r.kms.ReplicateKey(r.ctx, &kms.ReplicateKeyInput{KeyId: r.id, ReplicaRegion: to})
		return refused[*types.AlreadyExistsException](err)
	})
	r.call("ReplicateKey of a single-Region key", func() error {
		_, err := r.kms.ReplicateKey(r.ctx, &kms.ReplicateKeyInput{KeyId: r.arns["symmetric"], ReplicaRegion: to})
		return refused[*types.UnsupportedOperationException](err)
	})
}

// travels returns an error unless a ciphertext of one Region opens in the other, under the ARN in that
// Region.
func (r *twoRegions) travels(from, to *kms.Client, arn string) error {
	made, err := from.Encrypt(r.ctx, &kms.EncryptInput{KeyId: r.id, Plaintext: plaintext})
	if err != nil {
		return err
	}
	opened, err := to.Decrypt(r.ctx, &kms.DecryptInput{CiphertextBlob: made.CiphertextBlob})
	if err != nil {
		return err
	}
	got := []string{aws.ToString(opened.KeyId), string(opened.Plaintext)}
	return expect("the key and the plaintext", got, []string{arn, string(plaintext)})
}

func (r *twoRegions) primary() {
	r.call("UpdatePrimaryRegion", func() error {
		_, err := r.kms.UpdatePrimaryRegion(r.ctx, &kms.UpdatePrimaryRegionInput{
			KeyId: r.id, PrimaryRegion: aws.String(abroad),
		})
		if err != nil {
			return err
		}
		return r.primaryIs(r.there, r.here)
	})
	r.call("UpdatePrimaryRegion where no replica is", func() error {
		_, err := r.abroad.UpdatePrimaryRegion(r.ctx, &kms.UpdatePrimaryRegionInput{
			KeyId: r.id, PrimaryRegion: aws.String("ap-south-1"),
		})
		return refused[*types.NotFoundException](err)
	})
}

// primaryIs returns an error unless both Regions agree which key is the primary key and which the
// replica, and each names its own key.
func (r *twoRegions) primaryIs(primary, replica string) error {
	inRegion := map[string]string{r.here: home, r.there: abroad}
	both := []string{inRegion[primary] + " " + primary, inRegion[replica] + " " + replica}
	clients := map[string]*kms.Client{r.here: r.kms, r.there: r.abroad}
	for _, arn := range []string{r.here, r.there} {
		key, err := describe(r.ctx, clients[arn], r.id)
		if err != nil {
			return err
		}
		kind := map[string]string{primary: "PRIMARY", replica: "REPLICA"}[arn]
		got := append([]string{*key.Arn}, regionsOf(key)...)
		if err := expect("the ARN and the Regions", got, append([]string{arn, kind}, both...)); err != nil {
			return err
		}
	}
	return nil
}

// regionsOf returns the Regions of a key: whether it is the primary key or a replica, the primary key,
// and then the replicas.
func regionsOf(key *types.KeyMetadata) []string {
	c := key.MultiRegionConfiguration
	if c == nil || c.PrimaryKey == nil {
		return nil
	}
	all := []string{string(c.MultiRegionKeyType)}
	for _, k := range append([]types.MultiRegionKey{*c.PrimaryKey}, c.ReplicaKeys...) {
		all = append(all, aws.ToString(k.Region)+" "+aws.ToString(k.Arn))
	}
	return all
}

// deletion schedules the deletion of the primary key, which is in the other Region by now and waits
// for its replica.
func (r *twoRegions) deletion() {
	r.call("ScheduleKeyDeletion of a primary key", func() error {
		out, err := r.abroad.ScheduleKeyDeletion(r.ctx, &kms.ScheduleKeyDeletionInput{
			KeyId: r.id, PendingWindowInDays: aws.Int32(7),
		})
		if err != nil {
			return err
		}
		got := []any{out.KeyState, aws.ToInt32(out.PendingWindowInDays), out.DeletionDate == nil}
		return expect("the state, the days, and no date", got, []any{types.KeyStatePendingReplicaDeletion, int32(7), true})
	})
	r.call("Encrypt with a key pending replica deletion", func() error {
		_, err := r.abroad.Encrypt(r.ctx, &kms.EncryptInput{KeyId: r.id, Plaintext: plaintext})
		return refused[*types.KMSInvalidStateException](err)
	})
	r.call("ScheduleKeyDeletion of a replica key", func() error {
		out, err := r.kms.ScheduleKeyDeletion(r.ctx, &kms.ScheduleKeyDeletionInput{
			KeyId: r.id, PendingWindowInDays: aws.Int32(7),
		})
		if err != nil {
			return err
		}
		if err := expect("the state", out.KeyState, types.KeyStatePendingDeletion); err != nil {
			return err
		}
		return near("the deletion", out.DeletionDate, 7*day)
	})
}
