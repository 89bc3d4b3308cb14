package main

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// families has a key of each family: its purpose here, and the members of CreateKey.
var families = []struct {
	name  string
	spec  types.KeySpec
	usage types.KeyUsageType
	label string
}{
	{"symmetric", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "CreateKey SYMMETRIC_DEFAULT"},
	{"rsa sign", "RSA_2048", "SIGN_VERIFY", "CreateKey RSA_2048 to sign"},
	{"rsa encrypt", "RSA_2048", "ENCRYPT_DECRYPT", "CreateKey RSA_2048 to encrypt"},
	{"p256 sign", "ECC_NIST_P256", "SIGN_VERIFY", "CreateKey ECC_NIST_P256 to sign"},
	{"p256 agree", "ECC_NIST_P256", "KEY_AGREEMENT", "CreateKey ECC_NIST_P256 to agree"},
	{"secp256k1", "ECC_SECG_P256K1", "SIGN_VERIFY", "CreateKey ECC_SECG_P256K1 to sign"},
	{"ed25519", "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "CreateKey ECC_NIST_EDWARDS25519 to sign"},
	{"hmac", "HMAC_256", "GENERATE_VERIFY_MAC", "CreateKey HMAC_256"},
	{"ml-dsa", "ML_DSA_44", "SIGN_VERIFY", "CreateKey ML_DSA_44"},
	{"ml-kem", "ML_KEM_768", "ENCAPSULATE_DECAPSULATE", "CreateKey ML_KEM_768"},
}

const (
	description = "Schlüssel für das Archiv, 鍵"
	noKey       = "00000000-0000-4000-8000-000000000000"
)

func keys(w *walk) {
	var created *types.KeyMetadata
	for _, f := range families {
		w.call(f.label, func() error {
			key, err := w.createKey(&kms.CreateKeyInput{KeySpec: f.spec, KeyUsage: f.usage})
			if err != nil {
				return err
			}
			created = key
			w.arns[f.name] = created.Arn
			got := []any{created.KeySpec, created.KeyUsage, created.KeyState, created.Origin}
			return expect("the key", got, []any{f.spec, f.usage, types.KeyStateEnabled, types.OriginTypeAwsKms})
		})
	}
	w.call("DescribeKey", func() error {
		key, err := w.describe(created.KeyId)
		if err != nil {
			return err
		}
		return expect("the metadata", *key, *created)
	})
	w.call("DescribeKey of no key", func() error {
		_, err := w.describe(aws.String(noKey))
		return refused[*types.NotFoundException](err)
	})
	w.call("UpdateKeyDescription", w.updateDescription)
	w.call("ListKeys", w.listKeys)
}

func (w *walk) updateDescription() error {
	id := w.arns["symmetric"]
	_, err := w.kms.UpdateKeyDescription(w.ctx, &kms.UpdateKeyDescriptionInput{
		KeyId: id, Description: aws.String(description),
	})
	if err != nil {
		return err
	}
	key, err := w.describe(id)
	if err != nil {
		return err
	}
	return expect("the description", aws.ToString(key.Description), description)
}

func (w *walk) listKeys() error {
	var ours, seen []string
	for _, arn := range w.arns {
		ours = append(ours, *arn)
	}
	pages := kms.NewListKeysPaginator(w.kms, &kms.ListKeysInput{Limit: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.ctx)
		if err != nil {
			return err
		}
		if err := expect("more than 3 in a page", len(page.Keys) > 3, false); err != nil {
			return err
		}
		for _, k := range page.Keys {
			if slices.Contains(ours, aws.ToString(k.KeyArn)) {
				seen = append(seen, *k.KeyArn)
			}
		}
	}
	slices.Sort(ours)
	slices.Sort(seen)
	return expect("our keys", seen, ours)
}
