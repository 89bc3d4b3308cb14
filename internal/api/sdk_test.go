package api

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
)

// An operation is compared with the official client, whose types are the reference.
type operation struct {
	name    string
	in, out reflect.Type
	shape   *Shape // shape of in
}

func op[In, Out any](name string) operation {
	return operation{name, reflect.TypeFor[In](), reflect.TypeFor[Out](), ShapeOf[In]()}
}

func allOperations() []operation {
	return []operation{
		op[CancelKeyDeletionRequest, CancelKeyDeletionResponse]("CancelKeyDeletion"),
		op[CreateAliasRequest, Empty]("CreateAlias"),
		op[CreateGrantRequest, CreateGrantResponse]("CreateGrant"),
		op[CreateKeyRequest, CreateKeyResponse]("CreateKey"),
		op[DecapsulateRequest, DecapsulateResponse]("Decapsulate"),
		op[DecryptRequest, DecryptResponse]("Decrypt"),
		op[DeleteAliasRequest, Empty]("DeleteAlias"),
		op[DeleteImportedKeyMaterialRequest, DeleteImportedKeyMaterialResponse]("DeleteImportedKeyMaterial"),
		op[DeriveSharedSecretRequest, DeriveSharedSecretResponse]("DeriveSharedSecret"),
		op[DescribeCustomKeyStoresRequest, DescribeCustomKeyStoresResponse]("DescribeCustomKeyStores"),
		op[DescribeKeyRequest, DescribeKeyResponse]("DescribeKey"),
		op[DisableKeyRequest, Empty]("DisableKey"),
		op[DisableKeyRotationRequest, Empty]("DisableKeyRotation"),
		op[EnableKeyRequest, Empty]("EnableKey"),
		op[EnableKeyRotationRequest, Empty]("EnableKeyRotation"),
		op[EncapsulateRequest, EncapsulateResponse]("Encapsulate"),
		op[EncryptRequest, EncryptResponse]("Encrypt"),
		op[GenerateDataKeyRequest, GenerateDataKeyResponse]("GenerateDataKey"),
		op[GenerateDataKeyPairRequest, GenerateDataKeyPairResponse]("GenerateDataKeyPair"),
		op[GenerateDataKeyPairWithoutPlaintextRequest, GenerateDataKeyPairWithoutPlaintextResponse]("GenerateDataKeyPairWithoutPlaintext"),
		op[GenerateDataKeyWithoutPlaintextRequest, GenerateDataKeyWithoutPlaintextResponse]("GenerateDataKeyWithoutPlaintext"),
		op[GenerateMacRequest, GenerateMacResponse]("GenerateMac"),
		op[GenerateRandomRequest, GenerateRandomResponse]("GenerateRandom"),
		op[GetKeyLastUsageRequest, GetKeyLastUsageResponse]("GetKeyLastUsage"),
		op[GetKeyPolicyRequest, GetKeyPolicyResponse]("GetKeyPolicy"),
		op[GetKeyRotationStatusRequest, GetKeyRotationStatusResponse]("GetKeyRotationStatus"),
		op[GetParametersForImportRequest, GetParametersForImportResponse]("GetParametersForImport"),
		op[GetPublicKeyRequest, GetPublicKeyResponse]("GetPublicKey"),
		op[ImportKeyMaterialRequest, ImportKeyMaterialResponse]("ImportKeyMaterial"),
		op[ListAliasesRequest, ListAliasesResponse]("ListAliases"),
		op[ListGrantsRequest, ListGrantsResponse]("ListGrants"),
		op[ListKeyPoliciesRequest, ListKeyPoliciesResponse]("ListKeyPolicies"),
		op[ListKeyRotationsRequest, ListKeyRotationsResponse]("ListKeyRotations"),
		op[ListKeysRequest, ListKeysResponse]("ListKeys"),
		op[ListResourceTagsRequest, ListResourceTagsResponse]("ListResourceTags"),
		op[ListRetirableGrantsRequest, ListRetirableGrantsResponse]("ListRetirableGrants"),
		op[PutKeyPolicyRequest, Empty]("PutKeyPolicy"),
		op[ReEncryptRequest, ReEncryptResponse]("ReEncrypt"),
		op[ReplicateKeyRequest, ReplicateKeyResponse]("ReplicateKey"),
		op[RetireGrantRequest, Empty]("RetireGrant"),
		op[RevokeGrantRequest, Empty]("RevokeGrant"),
		op[RotateKeyOnDemandRequest, RotateKeyOnDemandResponse]("RotateKeyOnDemand"),
		op[ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse]("ScheduleKeyDeletion"),
		op[SignRequest, SignResponse]("Sign"),
		op[TagResourceRequest, Empty]("TagResource"),
		op[UntagResourceRequest, Empty]("UntagResource"),
		op[UpdateAliasRequest, Empty]("UpdateAlias"),
		op[UpdateKeyDescriptionRequest, Empty]("UpdateKeyDescription"),
		op[UpdatePrimaryRegionRequest, Empty]("UpdatePrimaryRegion"),
		op[VerifyRequest, VerifyResponse]("Verify"),
		op[VerifyMacRequest, VerifyMacResponse]("VerifyMac"),
	}
}

// sdkTypes returns the official client's input and output types of the operation.
func sdkTypes(t *testing.T, name string) (in, out reflect.Type) {
	t.Helper()
	m, ok := reflect.TypeFor[*kms.Client]().MethodByName(name)
	if !ok {
		t.Fatalf("the client has no %s", name)
	}
	return m.Type.In(2).Elem(), m.Type.Out(0).Elem()
}

func TestMembersMatchClient(t *testing.T) {
	found := make(map[string]reflect.Type) // the client's enums found in members
	for _, o := range allOperations() {
		t.Run(o.name, func(t *testing.T) {
			in, out := sdkTypes(t, o.name)
			compareStruct(t, found, o.in, in)
			compareStruct(t, found, o.out, out)
		})
	}
	var ours []string
	for word := range strings.FieldsSeq(enums) {
		if name, ok := strings.CutSuffix(word, ":"); ok {
			ours = append(ours, name)
		}
	}
	if theirs := slices.Sorted(maps.Keys(found)); !slices.Equal(ours, theirs) {
		t.Errorf("enums\n%v\nof the client\n%v", ours, theirs)
	}
	for name, enum := range found {
		values := reflect.Zero(enum).MethodByName("Values").Call(nil)[0]
		var theirs []string
		for i := range values.Len() {
			theirs = append(theirs, values.Index(i).String())
		}
		if !slices.Equal(Enum(name), theirs) {
			t.Errorf("%s: %v, of the client %v", name, Enum(name), theirs)
		}
	}
}

func compareStruct(t *testing.T, found map[string]reflect.Type, ours, theirs reflect.Type) {
	t.Helper()
	rest := make(map[string]reflect.Type)
	for f := range theirs.Fields() {
		if f.Name != "ResultMetadata" && f.Name != "noSmithyDocumentSerde" {
			rest[f.Name] = f.Type
		}
	}
	for f := range ours.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Name != name {
			t.Errorf("%v.%s is %s on the wire", ours, f.Name, name)
		}
		if want, ok := rest[name]; !ok {
			t.Errorf("%v.%s is unknown to the client", ours, name)
		} else if kind := compareMember(t, found, f, want); kind != "" {
			t.Errorf("%v.%s is %v, of the client %v: want %s", ours, name, f.Type, want, kind)
		}
		delete(rest, name)
	}
	for name := range rest {
		t.Errorf("%v lacks %s", ours, name)
	}
}

var enumTag = regexp.MustCompile(`\benum=(\w+)`)

// compareMember returns how f should look, or "".
func compareMember(t *testing.T, found map[string]reflect.Type, f reflect.StructField, theirs reflect.Type) string {
	t.Helper()
	ours, one := f.Type, theirs
	many := theirs.Kind() == reflect.Slice
	if many || theirs.Kind() == reflect.Pointer {
		one = theirs.Elem()
	}
	tag := ""
	if m := enumTag.FindStringSubmatch(f.Tag.Get("kms")); m != nil {
		tag = m[1]
	}
	enum := one.Kind() == reflect.String && one.Name() != "string"
	switch {
	case enum && tag != one.Name():
		return "the tag enum=" + one.Name()
	case !enum && tag != "":
		return "no enum"
	case enum:
		found[one.Name()] = one
		if many {
			return unless(ours == reflect.TypeFor[[]string](), "[]string")
		}
		return unless(ours == reflect.TypeFor[*string](), "*string")
	case one.String() == "time.Time":
		return unless(ours == reflect.TypeFor[*Timestamp](), "*Timestamp")
	case one.Kind() == reflect.Struct:
		if ours.Kind() != theirs.Kind() || ours.Elem().Name() != one.Name() {
			return "the struct of this name"
		}
		compareStruct(t, found, ours.Elem(), one)
		return ""
	case one.Kind() == reflect.Bool && theirs.Kind() == reflect.Bool:
		if strings.Contains(f.Tag.Get("json"), "omit") {
			return unless(ours == reflect.TypeFor[*bool](), "*bool")
		}
		return unless(ours == theirs, "bool")
	default:
		return unless(ours == theirs, theirs.String())
	}
}

func unless(ok bool, want string) string {
	if ok {
		return ""
	}
	return want
}

func TestKnownMatchesClient(t *testing.T) {
	var theirs []string
	for m := range reflect.TypeFor[*kms.Client]().Methods() {
		if m.Type.NumIn() > 2 && m.Type.In(2).Kind() == reflect.Pointer && m.Type.In(2).Elem().Name() == m.Name+"Input" {
			theirs = append(theirs, m.Name)
		}
	}
	if len(operations) != 56 || !slices.Equal(operations, theirs) {
		t.Errorf("operations\n%v\nof the client\n%v", operations, theirs)
	}
	for _, name := range operations {
		if !Known(name) {
			t.Errorf("%s is unknown", name)
		}
	}
	for _, name := range []string{"", "encrypt", "Encrypt ", "ReEncryptFrom", "CreateKey\nDecrypt", "ZZ"} {
		if Known(name) {
			t.Errorf("%q is known", name)
		}
	}
}

// The official client rejects inputs without required members itself, and names the missing members. The test
// compares them with ours.
func TestRequiredMatchesClient(t *testing.T) {
	for _, o := range allOperations() {
		t.Run(o.name, func(t *testing.T) {
			in, _ := sdkTypes(t, o.name)
			_, err := call(offline("{}", nil), o.name, emptyStructs(in))
			var theirs []string
			if e, ok := errors.AsType[smithy.InvalidParamsError](err); ok {
				for _, e := range e.Errs() {
					theirs = append(theirs, ourPath(e.(smithy.InvalidParamError).Field()))
				}
			} else if err != nil {
				t.Fatal(err)
			}
			var ours []string
			message := o.shape.Validate(emptyStructs(o.in).Interface())
			for _, m := range regexp.MustCompile(`Value null at '(\S+)'`).FindAllStringSubmatch(message, -1) {
				ours = append(ours, m[1])
			}
			slices.Sort(ours)
			slices.Sort(theirs)
			if !slices.Equal(ours, theirs) {
				t.Errorf("required %v, of the client %v", ours, theirs)
			}
		})
	}
}

// emptyStructs returns a pointer to a struct whose nested structs are present and empty, so that their required
// members are reported.
func emptyStructs(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	for _, f := range v.Elem().Fields() {
		switch t := f.Type(); {
		case !f.CanSet():
		case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
			f.Set(reflect.MakeSlice(t, 1, 1))
		case t.Kind() == reflect.Pointer && strings.HasSuffix(t.Elem().Name(), "Info"):
			f.Set(reflect.New(t.Elem()))
		}
	}
	return v
}

// ourPath converts XInput.Tags[0].TagKey to tags.1.member.tagKey.
func ourPath(field string) string {
	_, path, _ := strings.Cut(field, ".")
	path = strings.ReplaceAll(path, "[0]", ".1.member")
	steps := strings.Split(path, ".")
	for i, s := range steps {
		steps[i] = strings.ToLower(s[:1]) + s[1:]
	}
	return strings.Join(steps, ".")
}

// call calls the client's operation and returns its output.
func call(c *kms.Client, name string, in reflect.Value) (reflect.Value, error) {
	out := reflect.ValueOf(c).MethodByName(name).Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
	err, _ := out[1].Interface().(error)
	return out[0], err
}
