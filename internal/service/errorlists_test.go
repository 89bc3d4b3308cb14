package service

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// errorLists has the errors that the API model lists for each served operation. The names lack
// the ending "Exception".
const errorLists = `
CancelKeyDeletion                    DependencyTimeout InvalidArn KMSInternal KMSInvalidState NotFound
CreateAlias                          AlreadyExists DependencyTimeout InvalidAliasName KMSInternal KMSInvalidState LimitExceeded NotFound
CreateGrant                          DependencyTimeout Disabled DryRunOperation InvalidArn InvalidGrantToken KMSInternal KMSInvalidState LimitExceeded NotFound
CreateKey                            CloudHsmClusterInvalidConfiguration CustomKeyStoreInvalidState CustomKeyStoreNotFound DependencyTimeout InvalidArn KMSInternal LimitExceeded MalformedPolicyDocument Tag UnsupportedOperation XksKeyAlreadyInUse XksKeyInvalidConfiguration XksKeyNotFound
Decapsulate                          DependencyTimeout Disabled DryRunOperation InvalidCiphertext InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
Decrypt                              DependencyTimeout Disabled DryRunOperation IncorrectKey InvalidCiphertext InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
DeleteAlias                          DependencyTimeout KMSInternal KMSInvalidState NotFound
DeleteImportedKeyMaterial            DependencyTimeout InvalidArn KMSInternal KMSInvalidState NotFound UnsupportedOperation
DeriveSharedSecret                   DependencyTimeout Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
DescribeCustomKeyStores              CustomKeyStoreNotFound InvalidMarker KMSInternal
DescribeKey                          DependencyTimeout InvalidArn KMSInternal NotFound
DisableKey                           DependencyTimeout InvalidArn KMSInternal KMSInvalidState NotFound
DisableKeyRotation                   DependencyTimeout Disabled InvalidArn KMSInternal KMSInvalidState NotFound UnsupportedOperation
EnableKey                            DependencyTimeout InvalidArn KMSInternal KMSInvalidState LimitExceeded NotFound
EnableKeyRotation                    DependencyTimeout Disabled InvalidArn KMSInternal KMSInvalidState NotFound UnsupportedOperation
Encapsulate                          DependencyTimeout Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
Encrypt                              DependencyTimeout Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
GenerateDataKey                      DependencyTimeout Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
GenerateDataKeyPair                  DependencyTimeout Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound UnsupportedOperation
GenerateDataKeyPairWithoutPlaintext  DependencyTimeout Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound UnsupportedOperation
GenerateDataKeyWithoutPlaintext      DependencyTimeout Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
GenerateMac                          Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
GenerateRandom                       CustomKeyStoreInvalidState CustomKeyStoreNotFound DependencyTimeout KMSInternal UnsupportedOperation
GetKeyLastUsage                      DependencyTimeout InvalidArn KMSInternal NotFound
GetKeyPolicy                         DependencyTimeout InvalidArn KMSInternal KMSInvalidState NotFound
GetKeyRotationStatus                 DependencyTimeout InvalidArn KMSInternal KMSInvalidState NotFound UnsupportedOperation
GetParametersForImport               DependencyTimeout InvalidArn KMSInternal KMSInvalidState NotFound UnsupportedOperation
GetPublicKey                         DependencyTimeout Disabled InvalidArn InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound UnsupportedOperation
ImportKeyMaterial                    DependencyTimeout ExpiredImportToken IncorrectKeyMaterial InvalidArn InvalidCiphertext InvalidImportToken KMSInternal KMSInvalidState NotFound UnsupportedOperation
ListAliases                          DependencyTimeout InvalidArn InvalidMarker KMSInternal NotFound
ListGrants                           DependencyTimeout InvalidArn InvalidGrantId InvalidMarker KMSInternal KMSInvalidState NotFound
ListKeyPolicies                      DependencyTimeout InvalidArn KMSInternal KMSInvalidState NotFound
ListKeyRotations                     InvalidArn InvalidMarker KMSInternal KMSInvalidState NotFound UnsupportedOperation
ListKeys                             DependencyTimeout InvalidMarker KMSInternal
ListResourceTags                     InvalidArn InvalidMarker KMSInternal NotFound
ListRetirableGrants                  DependencyTimeout InvalidArn InvalidMarker KMSInternal NotFound
PutKeyPolicy                         DependencyTimeout InvalidArn KMSInternal KMSInvalidState LimitExceeded MalformedPolicyDocument NotFound UnsupportedOperation
ReEncrypt                            DependencyTimeout Disabled DryRunOperation IncorrectKey InvalidCiphertext InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
ReplicateKey                         AlreadyExists Disabled InvalidArn KMSInternal KMSInvalidState LimitExceeded MalformedPolicyDocument NotFound Tag UnsupportedOperation
RetireGrant                          DependencyTimeout DryRunOperation InvalidArn InvalidGrantId InvalidGrantToken KMSInternal KMSInvalidState NotFound
RevokeGrant                          DependencyTimeout DryRunOperation InvalidArn InvalidGrantId KMSInternal KMSInvalidState NotFound
RotateKeyOnDemand                    Conflict DependencyTimeout Disabled InvalidArn KMSInternal KMSInvalidState LimitExceeded NotFound UnsupportedOperation
ScheduleKeyDeletion                  DependencyTimeout InvalidArn KMSInternal KMSInvalidState NotFound
Sign                                 DependencyTimeout Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidState KeyUnavailable NotFound
TagResource                          InvalidArn KMSInternal KMSInvalidState LimitExceeded NotFound Tag
UntagResource                        InvalidArn KMSInternal KMSInvalidState NotFound Tag
UpdateAlias                          DependencyTimeout KMSInternal KMSInvalidState LimitExceeded NotFound
UpdateKeyDescription                 DependencyTimeout InvalidArn KMSInternal KMSInvalidState NotFound
UpdatePrimaryRegion                  Disabled InvalidArn KMSInternal KMSInvalidState NotFound UnsupportedOperation
Verify                               DependencyTimeout Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidSignature KMSInvalidState KeyUnavailable NotFound
VerifyMac                            Disabled DryRunOperation InvalidGrantToken InvalidKeyUsage KMSInternal KMSInvalidMac KMSInvalidState KeyUnavailable NotFound
`

// withoutStory lists the errors of the lists that no story has: the error, the operations or *
// for all that list it, the reason.
const withoutStory = `
DependencyTimeout  *  The server depends on no other.
KeyUnavailable     *  The material of a key that is enabled is at hand.

CloudHsmClusterInvalidConfiguration  CreateKey                 There are no custom key stores: UnsupportedOperationException.
CustomKeyStoreInvalidState           CreateKey,GenerateRandom  There are no custom key stores: UnsupportedOperationException.
CustomKeyStoreNotFound               CreateKey,GenerateRandom  There are no custom key stores: UnsupportedOperationException.
XksKeyAlreadyInUse                   CreateKey                 There are no custom key stores: UnsupportedOperationException.
XksKeyInvalidConfiguration           CreateKey                 There are no custom key stores: UnsupportedOperationException.
XksKeyNotFound                       CreateKey                 There are no custom key stores: UnsupportedOperationException.

InvalidArn            CreateKey                  No member is an ARN.
InvalidKeyUsage       Decrypt                    A key that cannot open the ciphertext is IncorrectKeyException.
InvalidKeyUsage       GetPublicKey               A key of any usage may show its public half; one that has none is UnsupportedOperationException.
KMSInvalidState       DeleteAlias                The grid of states allows it in every state.
KMSInvalidState       DeleteImportedKeyMaterial  The states in which the grid refuses it, no key is ever in.
KMSInvalidState       GetKeyPolicy,ListKeyPolicies,PutKeyPolicy  The grid of states allows it in every state.
KMSInvalidState       GetKeyRotationStatus,ListKeyRotations      The grid of states allows it in every state.
KMSInvalidState       ListGrants,RetireGrant,RevokeGrant         The grid of states allows it in every state.
LimitExceeded         CreateGrant                50,000 grants are more than a story can tell: TestGrantQuota.
LimitExceeded         EnableKey                  There is no quota of enabled keys.
LimitExceeded         TagResource                Too many tags are TagException, as the service has it.
NotFound              ListRetirableGrants        No member is a key.
Tag                   UntagResource              A tag key that no key can have is one that this key does not have.
UnsupportedOperation  PutKeyPolicy               Every policy that is well-formed is enforced.
UnsupportedOperation  GetKeyRotationStatus       A key that is never rotated of itself is told so: it is the truth for every key.
`

// beyond lists the errors in stories that are not in the operation's list: the error, the
// operations or *, the reason.
const beyond = `
InvalidAliasName      DeleteAlias,UpdateAlias             A name that no alias can have is told as in CreateAlias.
InvalidArn            Encrypt                             A malformed reference is told alike everywhere.
InvalidGrantToken     DescribeKey                         It takes grant tokens.
UnsupportedOperation  DeriveSharedSecret,GenerateDataKey  Answers for attested enclaves are not supported.
`

// fault is the error of every operation for a fault of the server or its machine. The tests of
// faults cause it.
const fault = "KMSInternal"

// common are the errors that any operation can return and no list contains.
var common = []string{"AccessDenied", "Throttling", "Validation", "Serialization", "InvalidSignature", "IncompleteSignature", "MissingAuthenticationToken", "UnrecognizedClient", "ExpiredToken"}

// A pair is an operation and one of its errors.
type pair struct{ operation, kind string }

// Every operation has a story of a success, and one of each error in its list that can occur.
func TestStoriesOfErrorsAreComplete(t *testing.T) {
	lists, stories := parseErrorLists(t), readStories(t)
	table := ofAPI(operations(true), api.TargetKMS)
	reasons := parseReasons(t, withoutStory, lists.pairs())
	extra := parseReasons(t, beyond, stories.refusals)
	for name := range table {
		if lists[name] == nil {
			t.Errorf("%s: no list of its errors", name)
		}
		if !stories.successes[name] {
			t.Errorf("%s: no story of its success", name)
		}
	}
	for p := range lists.pairs() {
		switch {
		case table[p.operation].Name == "":
			t.Errorf("%s: a list of errors, but no operation", p.operation)
		case !stories.refusals[p] && !reasons[p]:
			t.Errorf("%s: no story of its %sException", p.operation, p.kind)
		case stories.refusals[p] && reasons[p]:
			t.Errorf("%s: a story of its %sException, which is said to be in none", p.operation, p.kind)
		}
	}
	for p := range reasons {
		if p.kind == "KMSInvalidState" && !permittedInEveryState(p.operation) {
			t.Errorf("%s: said not to give %sException, but the grid refuses it in a state that keys are in", p.operation, p.kind)
		}
	}
	for p := range stories.refusals {
		listed := slices.Contains(lists[p.operation], p.kind) || slices.Contains(common, p.kind)
		if lists[p.operation] != nil && listed == extra[p] {
			t.Errorf("%s: a story of its %sException, which its list has: %v, and the table of those beyond the lists: %v", p.operation, p.kind, listed, extra[p])
		}
	}
	t.Logf("%d pairs of operation and error, of which %d are in no story for a reason; %d beyond the lists", len(lists.pairs()), len(reasons), len(extra))
}

// permittedInEveryState reports whether the grid permits the operation in all states that keys
// have.
func permittedInEveryState(operation string) bool {
	rules := key.ParseRules()
	for _, state := range []key.State{key.Enabled, key.Disabled, key.PendingImport, key.PendingDeletion, key.PendingReplicaDeletion} {
		if rules.Permit(operation, key.Key{State: state}) != nil {
			return false
		}
	}
	return true
}

type operationErrors map[string][]string

func parseErrorLists(t *testing.T) operationErrors {
	t.Helper()
	lists := operationErrors{}
	for line := range strings.Lines(strings.TrimSpace(errorLists)) {
		f := strings.Fields(line)
		if len(f) < 2 || lists[f[0]] != nil {
			t.Fatalf("broken line %q", line)
		}
		lists[f[0]] = f[1:]
	}
	return lists
}

// pairs returns all listed errors except fault.
func (l operationErrors) pairs() map[pair]bool {
	all := map[pair]bool{}
	for operation, kinds := range l {
		for _, kind := range kinds {
			if kind != fault {
				all[pair{operation, kind}] = true
			}
		}
	}
	return all
}

// parseReasons returns the pairs of a table of reasons. Each pair must be in the given ones.
func parseReasons(t *testing.T, table string, of map[pair]bool) map[pair]bool {
	t.Helper()
	named := map[pair]bool{}
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) < 3 {
			t.Fatalf("no reason in %q", line)
		}
		found := func(p pair) bool {
			return p.kind == f[0] && (f[1] == "*" || slices.Contains(strings.Split(f[1], ","), p.operation))
		}
		n := len(named)
		for p := range of {
			if found(p) {
				named[p] = true
			}
		}
		if wanted := 1 + strings.Count(f[1], ","); len(named)-n < wanted || f[1] != "*" && len(named)-n > wanted {
			t.Errorf("of %q there are %d", line, len(named)-n)
		}
	}
	return named
}

// storyResults list the results of operations in the stories.
type storyResults struct {
	successes map[string]bool
	refusals  map[pair]bool
}

var (
	callLine     = regexp.MustCompile(`^(! )?(?:kms (\w+)|import)(?: |$)`)
	assertion    = regexp.MustCompile(`^(?:! )?(?:stdout|stderr|cmp stdout|cp stdout) `)
	refusalNamed = regexp.MustCompile(`^stderr '\^(\w+)Exception\b`)
)

func readStories(t *testing.T) storyResults {
	t.Helper()
	files, err := filepath.Glob("../../testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories (%v)", err)
	}
	all := storyResults{map[string]bool{}, map[pair]bool{}}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		story, _, _ := strings.Cut(string(b), "\n-- ") // before its files
		all.read(story)
	}
	return all
}

// read records the calls of a story. For a refused call it records the error that the next line
// asserts.
func (a storyResults) read(story string) {
	refused := "" // the operation of the last call, if it begins with "!"
	for line := range strings.Lines(story) {
		line = strings.TrimSpace(line)
		call, named := callLine.FindStringSubmatch(line), refusalNamed.FindStringSubmatch(line)
		switch {
		case line == "" || line[0] == '#':
		case call != nil:
			operation := call[2]
			if operation == "" {
				operation = "ImportKeyMaterial" // the last step of import
			}
			if refused = operation; call[1] == "" {
				a.successes[operation], refused = true, ""
			}
		case named != nil && refused != "":
			a.refusals[pair{refused, named[1]}] = true
		case !assertion.MatchString(line):
			refused = ""
		}
	}
}

// The lists agree with the model in the SDK for Python.
func TestErrorListsAreThoseOfTheModel(t *testing.T) {
	python := os.Getenv("KEYHOLD_PYTHON")
	if python == "" {
		t.Skip("KEYHOLD_PYTHON names no Python that has botocore: make test sets it.")
	}
	out, err := exec.CommandContext(t.Context(), python, "-c", `
import botocore.session, json
model = botocore.session.get_session().get_service_model("kms")
operations = map(model.operation_model, model.operation_names)
print(json.dumps({o.name: [e.name.removesuffix("Exception") for e in o.error_shapes] for o in operations}))`).Output()
	if err != nil {
		t.Fatal(err)
	}
	model, lists := operationErrors{}, parseErrorLists(t)
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&model); err != nil {
		t.Fatal(err)
	}
	for _, operation := range slices.Sorted(maps.Keys(model)) {
		slices.Sort(model[operation])
		if list := lists[operation]; list != nil && !slices.Equal(list, model[operation]) {
			t.Errorf("%s: listed %v, in the model %v", operation, list, model[operation])
		}
		delete(lists, operation)
	}
	if len(lists) > 0 {
		t.Errorf("not in the model: %v", slices.Sorted(maps.Keys(lists)))
	}
}

// An error belongs to the call before it, if the call is refused and nothing else happens between
// them.
func TestStoriesAreReadExactly(t *testing.T) {
	all := storyResults{map[string]bool{}, map[pair]bool{}}
	all.read(`
kms CreateKey
! kms Sign KeyId=$KEY
# The reason:

! stdout .
stderr '^DisabledException: arn'
! kms Verify KeyId=$KEY
stderr 'DisabledException'
! kms Encrypt KeyId=$KEY
kms DescribeKey KeyId=$KEY
stderr '^NotFoundException'
! kms Decrypt CiphertextBlob=@blob.bin
server stop
stderr '^IncorrectKeyException'
! import $KEY own/material.bin
stderr '^KMSInvalidStateException$'
! exec keyhold import $KEY
stderr '^AlreadyExistsException'
`)
	successes := map[string]bool{"CreateKey": true, "DescribeKey": true}
	refusals := map[pair]bool{{"Sign", "Disabled"}: true, {"ImportKeyMaterial", "KMSInvalidState"}: true}
	if !maps.Equal(all.successes, successes) || !maps.Equal(all.refusals, refusals) {
		t.Errorf("read %v", all)
	}
}
