package awsimport

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
)

// A Describer describes keys. *kms.Client implements it.
type Describer interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// A Creator makes keys and their aliases. *kms.Client implements it.
type Creator interface {
	CreateKey(context.Context, *kms.CreateKeyInput, ...func(*kms.Options)) (*kms.CreateKeyOutput, error)
	CreateAlias(context.Context, *kms.CreateAliasInput, ...func(*kms.Options)) (*kms.CreateAliasOutput, error)
}

// errNoKey is for a server that does not speak the KMS API.
var errNoKey = errors.New("awsimport: the answer describes no key")

// Find returns the key of an alias name, an alias ARN, a key ID or a key ARN. A key
// into which nothing can be imported is a [Refusal]: NotExternal, PendingDeletion or
// UnsupportedSpec. A key that does not exist is the API's NotFoundException.
func Find(ctx context.Context, c Describer, ref string) (*types.KeyMetadata, error) {
	out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &ref})
	if err != nil {
		return nil, err
	}
	k := out.KeyMetadata
	switch {
	case k == nil || k.Arn == nil || k.KeyId == nil:
		return nil, errNoKey
	case k.Origin != types.OriginTypeExternal:
		return nil, refuse(NotExternal, "the key %s is of the origin %s, not EXTERNAL", aws.ToString(k.Arn), k.Origin)
	case k.KeyState == types.KeyStatePendingDeletion || k.KeyState == types.KeyStatePendingReplicaDeletion:
		return nil, refuse(PendingDeletion, "the key %s is scheduled for deletion (%s)", aws.ToString(k.Arn), k.KeyState)
	}
	if _, err := byok.AlgorithmFor(string(k.KeySpec)); err != nil {
		return nil, refuse(UnsupportedSpec, "the key %s is of the spec %s", aws.ToString(k.Arn), k.KeySpec)
	}
	return k, nil
}

// aliasNameForm is the form that the service requires, which is narrower than the pattern in the
// API's model.
var aliasNameForm = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

// CheckNewAlias checks the name of an alias to create. For an invalid name it returns a
// [Refusal] of the code BadAlias.
func CheckNewAlias(name string) error {
	if !aliasNameForm.MatchString(name) || strings.HasPrefix(name, "alias/aws/") {
		return refuse(BadAlias, "%q is not a valid name for a new alias", name)
	}
	return nil
}

// A NewKey describes a key for Create. The zero value of Spec and Usage is a symmetric key;
// for all other keys the API requires both.
type NewKey struct {
	Alias string
	Spec  types.KeySpec
	Usage types.KeyUsageType
}

// Create makes a key without material, and an alias for it. If the alias fails, the
// key exists nevertheless, and is returned with the error.
func Create(ctx context.Context, c Creator, n NewKey) (*types.KeyMetadata, error) {
	if err := CheckNewAlias(n.Alias); err != nil {
		return nil, err
	}
	out, err := c.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal, KeySpec: n.Spec, KeyUsage: n.Usage})
	if err != nil {
		return nil, err
	}
	if out.KeyMetadata == nil || out.KeyMetadata.Arn == nil || out.KeyMetadata.KeyId == nil {
		return nil, errNoKey
	}
	_, err = c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &n.Alias, TargetKeyId: out.KeyMetadata.KeyId})
	return out.KeyMetadata, err
}

// IsNotFound reports whether an error is the API's NotFoundException.
func IsNotFound(err error) bool {
	_, ok := errors.AsType[*types.NotFoundException](err)
	return ok
}
