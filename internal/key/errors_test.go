package key

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strconv"
	"strings"
	"testing"
)

// kinds returns the constants of type Kind by name.
func kinds(t *testing.T) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Kind" || len(spec.Names) != 1 || len(spec.Values) != 1 {
			t.Fatalf("constant %s is not written as the others", spec.Names[0])
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found[spec.Names[0].Name] = value
		return false
	})
	return found
}

// Clients identify errors by name, so the name of each constant must follow from the name on the wire.
func TestKinds(t *testing.T) {
	all := kinds(t)
	if len(all) < 20 {
		t.Fatalf("found only %d kinds", len(all))
	}
	for name, value := range all {
		short, ok := strings.CutSuffix(value, "Exception")
		if !ok && name == "Kind"+value { // an error of the STS API, whose names do not end with Exception
			continue
		}
		if !ok || name != "Kind"+strings.TrimPrefix(short, "KMS") && name != "KindKMSInvalidSignature" { // KindInvalidSignature is for requests
			t.Errorf("%s = %q", name, value)
		}
	}
}

func TestError(t *testing.T) {
	err := Errorf(KindNotFound, "no %s", "key")
	if err.Error() != "NotFoundException: no key" || err.Message != "no key" || err.Kind != KindNotFound || err.Unwrap() != nil {
		t.Errorf("%#v", err)
	}
	if got := Errorf(KindInvalidCiphertext, "").Error(); got != "InvalidCiphertextException" {
		t.Error(got)
	}
	// Cause must not appear in the text that clients see.
	caused := Errorf(KindNotFound, "no key").Because(fs.ErrNotExist)
	if !errors.Is(caused, fs.ErrNotExist) || strings.Contains(caused.Error()+caused.Message, fs.ErrNotExist.Error()) {
		t.Errorf("%v because of %v", caused, caused.Cause)
	}
}
