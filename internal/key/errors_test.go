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

// kinds returns the constants of type Kind by their names.
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

// Clients find the class of an error by its name, so each constant says in Go
// what it says on the wire.
func TestKinds(t *testing.T) {
	all := kinds(t)
	if len(all) < 20 {
		t.Fatalf("found only %d kinds", len(all))
	}
	for name, value := range all {
		short, ok := strings.CutSuffix(value, "Exception")
		if !ok && name == "Kind"+value { // of STS, which has its names elsewhere
			continue
		}
		if !ok || name != "Kind"+strings.TrimPrefix(short, "KMS") && name != "KindKMSInvalidSignature" { // beside that of requests
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
	// The cause is for the operator alone.
	caused := Errorf(KindNotFound, "no key").Because(fs.ErrNotExist)
	if !errors.Is(caused, fs.ErrNotExist) || strings.Contains(caused.Error()+caused.Message, fs.ErrNotExist.Error()) {
		t.Errorf("%v because of %v", caused, caused.Cause)
	}
}
