package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// answers to requests that are not names of errors.
const (
	answerMade    = "made"
	answerUnknown = "unknown" // the change may have been made, or be made later
	answerNotMade = "not made"
)

// The account of the deployment, and its user.
const (
	account = "000000000000"
	userARN = "arn:aws:iam::" + account + ":user/app"
)

// A client is the official SDK at one node, with the credentials of the account's root and of a user.
type client struct{ root, user *kms.Client }

// requestTime is how long a client waits for an answer.
const requestTime = 4 * time.Second

// requestID is the key of a *string in a context that gets the ID of the request.
type requestID struct{}

// A noting notes the IDs of requests.
type noting struct{ http.RoundTripper }

func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := n.RoundTripper.RoundTrip(r)
	if id, ok := r.Context().Value(requestID{}).(*string); ok {
		if *id = ""; err == nil {
			*id = response.Header.Get("X-Amzn-Requestid")
		}
	}
	return response, err
}

func newClient(address string, root, user aws.Credentials) client {
	of := func(c aws.Credentials) *kms.Client {
		return kms.New(kms.Options{
			Region: "us-east-1", BaseEndpoint: aws.String("http://" + address), Retryer: aws.NopRetryer{},
			Credentials: credentials.StaticCredentialsProvider{Value: c},
			HTTPClient:  &http.Client{Timeout: requestTime, Transport: noting{&http.Transport{MaxIdleConnsPerHost: 8}}},
		})
	}
	return client{of(root), of(user)}
}

// answerOf returns the answer to a request in the words of the models.
func answerOf(err error) string {
	if err == nil {
		return answerMade
	}
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return answerUnknown
	}
	switch code := e.ErrorCode(); code {
	case "DisabledException", "KMSInvalidStateException", "AccessDeniedException", "NotFoundException", "AlreadyExistsException":
		return code
	case "KMSInternalException", "UnknownError":
		return answerUnknown
	default:
		return answerNotMade + ": " + code
	}
}

// A wrongAnswer is an answer that is not the expected one.
type wrongAnswer string

func (a wrongAnswer) Error() string { return string(a) }

// A request is the input of one operation in a history.
type request struct {
	operation string
	on        string // the ID of the request that made what this one uses, or another argument
	id        string
}

// An object is what one history is about. All nodes serve requests for it. Its state is comparable.
type object interface {
	// prepare makes the object and returns its first state.
	prepare(ctx context.Context, c client, name string) (state any, err error)
	// operations are the names of its operations. An operation that is there twice is sent twice as often.
	operations() string
	// cycle are the changes that give and take away the right to use it, in an order.
	cycle() string
	// choose returns what an operation is about.
	choose(operation string, random func(int) int) (on string)
	// send sends a request, and returns the answer.
	send(ctx context.Context, c client, r request) (answer string)
	// after returns the answer of a request in a state, and the state after it.
	after(state any, r request) (answer string, next any)
	// check compares the answer to the last List request, if there was one, with the numbers of events of changes that
	// were made, by "NAME KEY".
	check(listed string, events map[string]int) error
	// last makes the object usable, and uses everything that was made with it.
	last(ctx context.Context, c client) error
}

func newKey(ctx context.Context, c client, origin types.OriginType) (string, error) {
	out, err := c.root.CreateKey(ctx, &kms.CreateKeyInput{Origin: origin})
	if err != nil {
		return "", err
	}
	return *out.KeyMetadata.KeyId, nil
}

func encrypt(ctx context.Context, c *kms.Client, id string) (*kms.EncryptOutput, error) {
	return c.Encrypt(ctx, &kms.EncryptInput{KeyId: &id, Plaintext: []byte("x")})
}

// describe returns the state of a key.
func describe(ctx context.Context, c client, id string) string {
	out, err := c.root.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return answerOf(err)
	}
	return string(out.KeyMetadata.KeyState)
}

// A policedKey is a key that is disabled, denied by its policy, and rotated.
type policedKey struct {
	id string

	mu    sync.Mutex
	blobs [][]byte // ciphertexts under all its materials
}

type policedState struct {
	disabled, denied bool
	rotations        int
}

const allowAll = `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}`

func (k *policedKey) prepare(ctx context.Context, c client, _ string) (any, error) {
	id, err := newKey(ctx, c, types.OriginTypeAwsKms)
	if k.id = id; err == nil {
		_, err = c.root.PutKeyPolicy(ctx, k.policy(allowAll))
	}
	return policedState{}, err
}

func (k *policedKey) policy(statements string) *kms.PutKeyPolicyInput {
	return &kms.PutKeyPolicyInput{KeyId: &k.id, Policy: aws.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)}
}

func (k *policedKey) operations() string {
	return "DisableKey EnableKey Deny Allow Encrypt Encrypt Encrypt RotateKeyOnDemand DescribeKey ListKeyRotations"
}

func (k *policedKey) cycle() string { return "DisableKey EnableKey Deny Allow RotateKeyOnDemand" }

func (k *policedKey) choose(string, func(int) int) string { return "" }

func (k *policedKey) send(ctx context.Context, c client, r request) string {
	var err error
	statements := allowAll
	switch r.operation {
	case "Encrypt":
		var out *kms.EncryptOutput
		if out, err = encrypt(ctx, c.user, k.id); err == nil {
			k.mu.Lock()
			k.blobs = append(k.blobs, out.CiphertextBlob)
			k.mu.Unlock()
		}
	case "Deny", "Allow":
		if r.operation == "Deny" {
			statements += `,{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"kms:Encrypt","Resource":"*"}`
		}
		_, err = c.root.PutKeyPolicy(ctx, k.policy(statements))
	case "DisableKey":
		_, err = c.root.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &k.id})
	case "EnableKey":
		_, err = c.root.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &k.id})
	case "RotateKeyOnDemand":
		_, err = c.root.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &k.id})
	case "DescribeKey":
		return describe(ctx, c, k.id)
	case "ListKeyRotations":
		out, err := c.root.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: &k.id})
		if err == nil {
			return fmt.Sprint(len(out.Rotations))
		}
		return answerOf(err)
	}
	return answerOf(err)
}

func (k *policedKey) after(state any, r request) (string, any) {
	m := state.(policedState)
	switch {
	case r.operation == "DescribeKey" && m.disabled:
		return "Disabled", m
	case r.operation == "DescribeKey":
		return "Enabled", m
	case r.operation == "ListKeyRotations":
		return fmt.Sprint(m.rotations), m
	case r.operation == "Deny", r.operation == "Allow":
		m.denied = r.operation == "Deny"
	case r.operation == "DisableKey", r.operation == "EnableKey":
		m.disabled = r.operation == "DisableKey"
	case r.operation == "Encrypt" && m.denied:
		return "AccessDeniedException", m
	case m.disabled: // Encrypt, RotateKeyOnDemand
		return "DisabledException", m
	case r.operation == "RotateKeyOnDemand":
		m.rotations++
	}
	return answerMade, m
}

func (k *policedKey) check(listed string, events map[string]int) error {
	if made := events["RotateKeyOnDemand "+k.id]; fmt.Sprint(made) != listed {
		return fmt.Errorf("%d events of rotations, and %s rotations", made, listed)
	}
	return nil
}

func (k *policedKey) last(ctx context.Context, c client) error {
	if _, err := c.root.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &k.id}); err != nil {
		return err
	}
	if _, err := c.root.PutKeyPolicy(ctx, k.policy(allowAll)); err != nil {
		return err
	}
	if answer := k.send(ctx, c, request{operation: "Encrypt"}); answer != answerMade {
		return wrongAnswer(answer)
	}
	for _, blob := range k.blobs {
		if err := decrypt(ctx, c, blob); err != nil {
			return err
		}
	}
	return nil
}

// decrypt checks that a ciphertext of encrypt can be decrypted.
func decrypt(ctx context.Context, c client, blob []byte) error {
	out, err := c.root.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob})
	if err == nil && string(out.Plaintext) != "x" {
		err = wrongAnswer("another plaintext")
	}
	return err
}

// A reimportedKey has material that is deleted and imported again.
type reimportedKey struct {
	id       string
	material []byte
	blob     []byte
}

func (k *reimportedKey) prepare(ctx context.Context, c client, _ string) (any, error) {
	id, err := newKey(ctx, c, types.OriginTypeExternal)
	if err != nil {
		return nil, err
	}
	k.id, k.material = id, make([]byte, 32)
	rand.Read(k.material)
	if answer := k.send(ctx, c, request{operation: "ImportKeyMaterial"}); answer != answerMade {
		return nil, wrongAnswer(answer)
	}
	out, err := encrypt(ctx, c.root, k.id)
	if err == nil {
		k.blob = out.CiphertextBlob
	}
	return true, err
}

func (k *reimportedKey) operations() string {
	return "ImportKeyMaterial DeleteImportedKeyMaterial Decrypt Decrypt Encrypt Encrypt DescribeKey"
}

func (k *reimportedKey) cycle() string { return "DeleteImportedKeyMaterial ImportKeyMaterial" }

func (k *reimportedKey) choose(string, func(int) int) string { return "" }

func (k *reimportedKey) send(ctx context.Context, c client, r request) string {
	var err error
	switch r.operation {
	case "Decrypt":
		err = decrypt(ctx, c, k.blob)
	case "Encrypt":
		_, err = encrypt(ctx, c.root, k.id)
	case "DescribeKey":
		return describe(ctx, c, k.id)
	case "DeleteImportedKeyMaterial":
		_, err = c.root.DeleteImportedKeyMaterial(ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &k.id})
	case "ImportKeyMaterial":
		var in *kms.ImportKeyMaterialInput
		if in, err = k.wrap(ctx, c); err != nil {
			return answerNotMade
		}
		_, err = c.root.ImportKeyMaterial(ctx, in)
	}
	return answerOf(err)
}

func (k *reimportedKey) wrap(ctx context.Context, c client) (*kms.ImportKeyMaterialInput, error) {
	out, err := c.root.GetParametersForImport(context.WithoutCancel(ctx), &kms.GetParametersForImportInput{
		KeyId: &k.id, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048})
	if err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return nil, err
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), k.material, nil)
	return &kms.ImportKeyMaterialInput{KeyId: &k.id, ImportToken: out.ImportToken, EncryptedKeyMaterial: wrapped,
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire}, err
}

func (k *reimportedKey) after(state any, r request) (string, any) {
	imported := state.(bool)
	switch {
	case r.operation == "DescribeKey" && imported:
		return "Enabled", imported
	case r.operation == "DescribeKey":
		return "PendingImport", imported
	case r.operation == "ImportKeyMaterial", r.operation == "DeleteImportedKeyMaterial":
		return answerMade, r.operation == "ImportKeyMaterial"
	case !imported:
		return "KMSInvalidStateException", imported
	}
	return answerMade, imported
}

func (k *reimportedKey) check(string, map[string]int) error { return nil }

func (k *reimportedKey) last(ctx context.Context, c client) error {
	if answer := k.send(ctx, c, request{operation: "ImportKeyMaterial"}); answer != answerMade {
		return wrongAnswer(answer)
	}
	return decrypt(ctx, c, k.blob)
}

// A movedAlias is an alias that is moved between two keys.
type movedAlias struct {
	name string
	keys [2]string
}

func (a *movedAlias) prepare(ctx context.Context, c client, name string) (any, error) {
	a.name = "alias/" + name
	var errs [2]error
	for i := range a.keys {
		a.keys[i], errs[i] = newKey(ctx, c, types.OriginTypeAwsKms)
	}
	return "", errors.Join(errs[:]...)
}

func (a *movedAlias) operations() string {
	return "CreateAlias CreateAlias UpdateAlias UpdateAlias UpdateAlias DeleteAlias Encrypt Encrypt Encrypt DescribeKey"
}

func (a *movedAlias) cycle() string { return "CreateAlias UpdateAlias DeleteAlias" }

func (a *movedAlias) choose(operation string, random func(int) int) string {
	if operation == "CreateAlias" || operation == "UpdateAlias" {
		return a.keys[random(2)]
	}
	return ""
}

func (a *movedAlias) send(ctx context.Context, c client, r request) string {
	var err error
	switch r.operation {
	case "CreateAlias":
		_, err = c.root.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &a.name, TargetKeyId: &r.on})
	case "UpdateAlias":
		_, err = c.root.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: &a.name, TargetKeyId: &r.on})
	case "DeleteAlias":
		_, err = c.root.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: &a.name})
	case "DescribeKey":
		out, err := c.root.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &a.name})
		if err == nil {
			return *out.KeyMetadata.KeyId
		}
		return answerOf(err)
	default:
		out, err := encrypt(ctx, c.root, a.name)
		if err == nil {
			return (*out.KeyId)[strings.LastIndex(*out.KeyId, "/")+1:]
		}
		return answerOf(err)
	}
	return answerOf(err)
}

func (a *movedAlias) after(state any, r request) (string, any) {
	to := state.(string)
	switch {
	case r.operation == "CreateAlias" && to != "":
		return "AlreadyExistsException", to
	case r.operation == "CreateAlias":
		return answerMade, r.on
	case to == "":
		return "NotFoundException", to
	case r.operation == "UpdateAlias":
		return answerMade, r.on
	case r.operation == "DeleteAlias":
		return answerMade, ""
	}
	return to, to // the requests that use the alias are answered with the key
}

func (a *movedAlias) check(string, map[string]int) error { return nil }

func (a *movedAlias) last(ctx context.Context, c client) error {
	for _, k := range a.keys {
		if _, err := encrypt(ctx, c.root, k); err != nil {
			return err
		}
	}
	return nil
}

// A grantedKey is a key that a user may use by grants alone.
type grantedKey struct {
	id string

	mu  sync.Mutex
	ids []string          // of the requests that made grants
	of  map[string]string // the grants
}

func (k *grantedKey) prepare(ctx context.Context, c client, _ string) (any, error) {
	id, err := newKey(ctx, c, types.OriginTypeAwsKms)
	k.id, k.of = id, map[string]string{}
	return "", err
}

func (k *grantedKey) operations() string {
	return "CreateGrant CreateGrant RevokeGrant RevokeGrant Encrypt Encrypt Encrypt ListGrants"
}

func (k *grantedKey) cycle() string { return "CreateGrant RevokeGrant" }

func (k *grantedKey) choose(operation string, random func(int) int) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if operation != "RevokeGrant" || len(k.ids) == 0 {
		return ""
	}
	return k.ids[max(0, len(k.ids)-1-random(3))]
}

func (k *grantedKey) send(ctx context.Context, c client, r request) string {
	var err error
	switch r.operation {
	case "CreateGrant":
		var out *kms.CreateGrantOutput
		out, err = c.root.CreateGrant(ctx, &kms.CreateGrantInput{
			KeyId: &k.id, GranteePrincipal: aws.String(userARN), Operations: []types.GrantOperation{types.GrantOperationEncrypt}})
		if err == nil {
			k.mu.Lock()
			k.ids, k.of[r.id] = append(k.ids, r.id), *out.GrantId
			k.mu.Unlock()
		}
	case "RevokeGrant":
		k.mu.Lock()
		grant := cmp.Or(k.of[r.on], strings.Repeat("0", 64))
		k.mu.Unlock()
		_, err = c.root.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &k.id, GrantId: &grant})
	case "ListGrants":
		out, err := c.root.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &k.id})
		if err == nil {
			return fmt.Sprint(len(out.Grants))
		}
		return answerOf(err)
	default:
		_, err = encrypt(ctx, c.user, "arn:aws:kms:us-east-1:"+account+":key/"+k.id)
	}
	return answerOf(err)
}

func (k *grantedKey) after(state any, r request) (string, any) {
	grants := strings.Fields(state.(string))
	at := slices.Index(grants, r.on)
	switch r.operation {
	case "CreateGrant":
		grants = append(grants, r.id)
		slices.Sort(grants)
		return answerMade, strings.Join(grants, " ")
	case "RevokeGrant":
		if at < 0 {
			return "NotFoundException", state
		}
		return answerMade, strings.Join(slices.Delete(grants, at, at+1), " ")
	case "ListGrants":
		return fmt.Sprint(len(grants)), state
	}
	if len(grants) == 0 {
		return "AccessDeniedException", state
	}
	return answerMade, state
}

func (k *grantedKey) check(listed string, events map[string]int) error {
	made, revoked := events["CreateGrant "+k.id], events["RevokeGrant "+k.id]
	if fmt.Sprint(made-revoked) != listed {
		return fmt.Errorf("%d events of new grants, %d of revoked ones, and %s grants", made, revoked, listed)
	}
	return nil
}

func (k *grantedKey) last(ctx context.Context, c client) error {
	_, err := encrypt(ctx, c.root, k.id)
	return err
}
