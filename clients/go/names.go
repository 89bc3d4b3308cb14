package main

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// names makes calls about aliases, tags and the key policy.
func names(w *walk) {
	w.aliases(w.arns["symmetric"])
	w.tags(w.arns["symmetric"])
	w.call("GetKeyPolicy", func() error {
		out, err := w.kms.GetKeyPolicy(w.ctx, &kms.GetKeyPolicyInput{KeyId: w.arns["symmetric"]})
		if err != nil {
			return err
		}
		var policy struct{ Statement []any }
		if err := json.Unmarshal([]byte(aws.ToString(out.Policy)), &policy); err != nil {
			return err
		}
		got := []any{aws.ToString(out.PolicyName), len(policy.Statement)}
		return expect("the name and the number of statements", got, []any{"default", 1})
	})
}

func (w *walk) aliases(arn *string) {
	var other *string
	name := aws.String("alias/archive-" + rand.Text())
	w.call("CreateAlias", func() error {
		_, err := w.kms.CreateAlias(w.ctx, &kms.CreateAliasInput{AliasName: name, TargetKeyId: arn})
		return err
	})
	w.call("CreateAlias of a name in use", func() error {
		created, err := w.createKey(&kms.CreateKeyInput{})
		if err != nil {
			return err
		}
		other = created.Arn
		_, err = w.kms.CreateAlias(w.ctx, &kms.CreateAliasInput{AliasName: name, TargetKeyId: other})
		return refused[*types.AlreadyExistsException](err)
	})
	w.call("DescribeKey by alias", func() error { return w.aliasIsOn(name, arn) })
	w.call("ListAliases", func() error {
		out, err := w.kms.ListAliases(w.ctx, &kms.ListAliasesInput{KeyId: arn})
		if err != nil {
			return err
		}
		var got []string
		for _, a := range out.Aliases {
			got = append(got, aws.ToString(a.AliasName), aws.ToString(a.AliasArn))
		}
		return expect("the aliases", got, []string{*name, (*arn)[:strings.LastIndex(*arn, ":")+1] + *name})
	})
	w.call("UpdateAlias", func() error {
		_, err := w.kms.UpdateAlias(w.ctx, &kms.UpdateAliasInput{AliasName: name, TargetKeyId: other})
		if err != nil {
			return err
		}
		return w.aliasIsOn(name, other)
	})
	w.call("DeleteAlias", func() error {
		if _, err := w.kms.DeleteAlias(w.ctx, &kms.DeleteAliasInput{AliasName: name}); err != nil {
			return err
		}
		_, err := w.describe(name)
		return refused[*types.NotFoundException](err)
	})
}

func (w *walk) aliasIsOn(name, arn *string) error {
	key, err := w.describe(name)
	if err != nil {
		return err
	}
	return expect("the key", aws.ToString(key.Arn), *arn)
}

func (w *walk) tags(arn *string) {
	both := []types.Tag{
		{TagKey: aws.String("floor"), TagValue: aws.String("")},
		{TagKey: aws.String("room"), TagValue: aws.String("archive")},
	}
	w.call("TagResource", func() error {
		_, err := w.kms.TagResource(w.ctx, &kms.TagResourceInput{KeyId: arn, Tags: both})
		return err
	})
	w.call("ListResourceTags", func() error { return w.hasTags(arn, both) })
	w.call("UntagResource", func() error {
		_, err := w.kms.UntagResource(w.ctx, &kms.UntagResourceInput{KeyId: arn, TagKeys: []string{"floor"}})
		if err != nil {
			return err
		}
		return w.hasTags(arn, both[1:])
	})
}

func (w *walk) hasTags(arn *string, want []types.Tag) error {
	out, err := w.kms.ListResourceTags(w.ctx, &kms.ListResourceTagsInput{KeyId: arn})
	if err != nil {
		return err
	}
	slices.SortFunc(out.Tags, func(a, b types.Tag) int {
		return cmp.Compare(aws.ToString(a.TagKey), aws.ToString(b.TagKey))
	})
	return expect("the tags", out.Tags, want)
}
