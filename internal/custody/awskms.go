package custody

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"github.com/keyhold/keyhold/internal/bounded"
	"github.com/keyhold/keyhold/internal/seal"
)

// An awsKMS is a key of another server with the API of AWS KMS.
type awsKMS struct {
	client     *kms.Client
	key        string // ARN, ID or alias
	deployment string
}

// These bound a call: a server that is slow by five seconds is waited for, and a silent one takes half a minute.
const (
	awsAttempts    = 2
	awsAttemptTime = 10 * time.Second
	maxAWSAnswer   = 1 << 20 // bytes
)

var deploymentName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// openAWSKMS returns the Root of a key in another KMS: KEY?deployment=NAME. Endpoint, Region and credentials come from
// where the AWS CLI takes them.
func openAWSKMS(argument string, _ Prompt) (seal.Root, error) {
	return newAWSKMS(argument, awsAttemptTime)
}

func newAWSKMS(argument string, attempt time.Duration) (seal.Root, error) {
	k, err := parseAWSKMS(argument)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), awsAttemptTime)
	defer cancel()
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attempt)),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = awsAttempts, time.Second
			})
		}),
	}
	if named, err := arn.Parse(k.key); err == nil {
		options = append(options, config.WithRegion(named.Region))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("the AWS configuration of the custody %s: %w", k.ID(), err)
	}
	if loaded.Region == "" {
		return nil, fmt.Errorf("the custody %s has no Region: give the ARN of the key, or set AWS_REGION", k.ID())
	}
	k.client = kms.NewFromConfig(loaded, func(o *kms.Options) {
		o.HTTPClient = bounded.Answers(o.HTTPClient, maxAWSAnswer)
	})
	if endpoint := aws.ToString(k.client.Options().BaseEndpoint); !private(endpoint) {
		return nil, fmt.Errorf("the custody %s would send keys to %s without TLS: give an https endpoint", k.ID(), endpoint)
	}
	return envelope{k}, nil
}

func parseAWSKMS(argument string) (awsKMS, error) {
	key, query, _ := strings.Cut(argument, "?")
	values, err := url.ParseQuery(query)
	name := values.Get("deployment")
	if err != nil || key == "" || len(values) != 1 || len(values["deployment"]) != 1 || !deploymentName.MatchString(name) {
		return awsKMS{}, fmt.Errorf("awskms:%s is not complete: give awskms:KEY?deployment=NAME, with the ARN or the alias "+
			"of a key, and a name of this deployment of letters, digits and ._-", argument)
	}
	return awsKMS{key: key, deployment: name}, nil
}

// private reports whether nobody on the network can read requests to an endpoint. AWS itself has the endpoint "".
func private(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme != "http" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func (k awsKMS) ID() string { return "awskms:" + k.key + "?deployment=" + k.deployment }

// encryptionContext names the deployment, so that the owner of the key can allow each deployment its own wraps only.
func (k awsKMS) encryptionContext(context string) map[string]string {
	return map[string]string{"keyhold-deployment": k.deployment, "keyhold-purpose": context}
}

func (k awsKMS) wrapKey(ctx context.Context, key []byte, context string) ([]byte, error) {
	out, err := k.client.Encrypt(ctx, &kms.EncryptInput{
		KeyId: &k.key, Plaintext: key, EncryptionContext: k.encryptionContext(context),
	})
	if err != nil {
		return nil, k.explain(err)
	}
	return out.CiphertextBlob, nil
}

// unwrapKey names the key in its request: without the name, the server would also use a key that somebody else chose.
func (k awsKMS) unwrapKey(ctx context.Context, wrapped []byte, context string) ([]byte, error) {
	out, err := k.client.Decrypt(ctx, &kms.DecryptInput{
		KeyId: &k.key, CiphertextBlob: wrapped, EncryptionContext: k.encryptionContext(context),
	})
	if err != nil {
		return nil, k.explain(err)
	}
	return out.Plaintext, nil
}

// awsRemedies gives the remedy for an error of the API. %s is the name of the deployment.
const awsRemedies = `
AccessDeniedException         allow kms:Encrypt and kms:Decrypt on the key with the context keyhold-deployment=%s
DisabledException             enable the key
ExpiredTokenException         renew the credentials
IncompleteSignature           check the credentials
InvalidClientTokenId          check the credentials
InvalidSignatureException     check the credentials, and the clocks of both machines
KMSInvalidStateException      the key must be usable: cancel its deletion, or import its material again
KeyUnavailableException       try again; the key is temporarily unavailable
MissingAuthenticationToken    check the credentials
NotFoundException             check the key, its Region, and AWS_ENDPOINT_URL_KMS
SignatureDoesNotMatch         check the credentials
UnrecognizedClientException   check the credentials
`

// explain adds the remedy to an error of a call. Blobs that do not open, or are of another key, are seal.ErrOpen.
func (k awsKMS) explain(err error) error {
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("the server of %s: %w: check the network, the credentials, and AWS_ENDPOINT_URL_KMS", k.ID(), err)
	}
	code := refused.ErrorCode()
	if code == "InvalidCiphertextException" || code == "IncorrectKeyException" {
		return seal.ErrOpen
	}
	for line := range strings.Lines(awsRemedies) {
		if name, remedy, _ := strings.Cut(strings.TrimSpace(line), " "); name == code {
			remedy = strings.ReplaceAll(strings.TrimSpace(remedy), "%s", k.deployment)
			return fmt.Errorf("the key of %s: %s: %s: %s", k.ID(), code, refused.ErrorMessage(), remedy)
		}
	}
	return fmt.Errorf("the key of %s: %w", k.ID(), err)
}
