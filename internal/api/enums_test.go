package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// constantsOf is the enum of the constants with a prefix.
var constantsOf = map[string]string{
	"Algorithm":           "AlgorithmSpec",
	"DataKey":             "DataKeySpec",
	"DryRunModifier":      "DryRunModifierType",
	"EncryptionAlgorithm": "EncryptionAlgorithmSpec",
	"ExpirationModel":     "ExpirationModelType",
	"ImportState":         "ImportState",
	"ImportType":          "ImportType",
	"IncludeKeyMaterial":  "IncludeKeyMaterial",
	"KeyManager":          "KeyManagerType",
	"KeyMaterial":         "KeyMaterialState",
	"KeySpec":             "KeySpec",
	"KeyUsage":            "KeyUsageType",
	"MessageType":         "MessageType",
	"MultiRegion":         "MultiRegionKeyType",
	"Origin":              "OriginType",
	"WrappingKey":         "WrappingKeySpec",
}

func TestConstantsAreInTheTable(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "enums.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for node := range ast.Preorder(file) {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !spec.Names[0].IsExported() {
			continue
		}
		seen++
		name := spec.Names[0].Name
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(Enum(enumOf(name)), value) {
			t.Errorf("%s = %q is not in the enum %q", name, value, enumOf(name))
		}
	}
	if seen == 0 {
		t.Error("no constants found")
	}
}

func enumOf(constant string) string {
	for prefix, enum := range constantsOf {
		if strings.HasPrefix(constant, prefix) {
			return enum
		}
	}
	return ""
}

func TestEnumUnknown(t *testing.T) {
	for _, name := range []string{"", "Key", "KeySpec:", "RSA_2048", "keyspec"} {
		if values := Enum(name); values != nil {
			t.Errorf("%q: %v", name, values)
		}
	}
}
