package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
)

// evil is text from outside. A terminal that interprets it would write the clipboard, clear the
// screen, reverse text, and show a line that looks like a line of the program.
var evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u009b2J\u202e\u2066\u200b\x7f\b\t\r\nFORGED  allowed\u2028FORGED"

// commandLines are command lines for each form of output of each command. DIR is the folder of the
// test.
const commandLines = `
identity list
identity list user
identity list EVIL
identity show user/alice
identity show EVIL
identity show EVIL --output json
identity rotate-key user/alice
identity disable user/EVIL
identity enable EVIL
identity revoke-sessions EVIL
identity delete user/EVIL
identity delete EVIL --dry-run
apply -f DIR/people.toml
apply -f DIR/people.toml --dry-run --prune
apply -f DIR/people.toml --output json
apply -f DIR/bad.toml
apply -f DIR/missing
clock show
clock show --output json
clock advance 1h
clock advance EVIL
clock set EVIL
explain --principal EVIL --action kms:Decrypt --key EVIL
explain --request EVIL
explain --request EVIL --output json
explain --principal a --action b --context EVIL
explain-signature
explain-signature --output json
explain-signature --client DIR/client.log
explain-signature --client DIR/missing
key recreate --id EVIL --account 000000000000 --region us-east-1
key recreate --id EVIL --account EVIL --region us-east-1
expiring
expiring --output json
expiring --within EVIL
import alias/a --from DIR/a.key --no-expiry
import alias/a --from DIR/a.key --no-expiry --dry-run
import EVIL --from DIR/missing --no-expiry
import EVIL --from DIR/a.key --expires EVIL
import alias/a --generate DIR/a.key --no-expiry
import alias/a --parameters-out DIR/parameters-EVIL
import --wrapped DIR/bad.toml --no-expiry
import alias/a --from DIR/a.key --no-expiry --manifest DIR/EVIL.json --escrow-to DIR/bad.toml --threshold 1
import alias/a --from-shares DIR/EVIL --from-shares fd:EVIL --identity DIR/a.key --no-expiry
import check --manifest DIR/EVIL
import check --manifest DIR/bad.toml --within EVIL
import alias/a --key-spec EVIL --create --from DIR/a.key --no-expiry
wrap --params DIR/bad.toml --from DIR/a.key --out DIR/out
wrap --params DIR/missing --from DIR/a.key --out DIR/out
decrypt-offline --material DIR/a.key
decrypt-offline --material DIR/missing
decrypt-offline --material DIR/a.key --context EVIL
init --data DIR/made --root-key-file DIR/made-root
init --data DIR/made --account EVIL
status
status --output json
status --within EVIL
doctor --data DIR/EVIL
doctor --data DIR/EVIL --output json
verify --data DIR/made --root-key-file DIR/made-root
verify --data DIR/missing
verify --data DIR/made --root-key-file DIR/a.key
serve --data DIR/missing
serve --data DIR/made --root-key-file DIR/a.key
serve --data DIR/made --root-key-file DIR/made-root --tls-cert DIR/missing --tls-key DIR/missing
serve --data DIR/made --regions EVIL
serve --data DIR/made --addr EVIL
serve --data DIR/made --root-key-file DIR/made-root --account EVIL
serve --store EVIL --data DIR/made --root-key-file DIR/made-root
serve --store etcd://EVIL --data DIR/made --root-key-file DIR/made-root
serve --config DIR/EVIL
serve --config DIR/bad.toml
serve --config DIR/settings.toml
config
config EVIL
config example
config check DIR/EVIL
config check DIR/bad.toml
config check DIR/settings.toml
config explain DIR/settings.toml
config explain --data EVIL --regions EVIL
config explain --config DIR/good.toml --audit-forward https://EVIL
config explain --config DIR/good.toml --output json
config example EVIL
setup EVIL
setup --yes --config DIR/bad.toml --data DIR/set --root-key-file DIR/set-root
setup --yes --config DIR/new.toml --data DIR/set --root-key-file DIR/set-root --name EVIL
setup --config DIR/new.toml
store
store EVIL
init --data DIR/other --recovery DIR/EVIL --threshold 2
recover EVIL
recover --data DIR/made --share DIR/EVIL --to key-file:EVIL
recover setup --data DIR/made --root-key-file DIR/made-root --recovery DIR/bad.toml --threshold 2
recover check --share DIR/EVIL
recover identity --out DIR/EVIL
recover identity --out DIR/id --kind EVIL
root-credentials
root-credentials EVIL
root-credentials reset --data DIR/EVIL
root-credentials reset --data DIR/made --share DIR/EVIL
store copy --from DIR/missing --to DIR/copy --root-key-file DIR/made-root
store copy --from DIR/made --to DIR/copy --root-key-file DIR/made-root
store copy --from etcd://EVIL --to DIR/a.key --root-key-file DIR/a.key
node
node EVIL
node list --store EVIL --root-key-file DIR/made-root
node list --store etcd://EVIL --root-key-file DIR/made-root
node list --store etcd://127.0.0.1:1/EVIL --root-key-file DIR/missing
node drain EVIL --store etcd://EVIL --root-key-file DIR/made-root
node remove EVIL --store etcd://127.0.0.1:1/EVIL --root-key-file DIR/made-root --log DIR/missing
seal
seal EVIL
seal make EVIL
seal make key-file:DIR/a.key
seal status
seal migrate --to EVIL
seal migrate --to key-file:EVIL
seal migrate --remove --from EVIL
seal migrate --to key-file:DIR/a.key --data DIR/made --root-key-file DIR/made-root
seal rotate --root
seal rotate --data
backup --to DIR/made.backup --recipients DIR/recipients
backup --to DIR/EVIL --recipients DIR/recipients --data DIR/made --root-key-file DIR/made-root
backup --to DIR/missing/EVIL --recipients DIR/bad.toml
backup --to - --recipients DIR/EVIL
backup --to - --recipients DIR/recipients --store EVIL
restore --from DIR/EVIL --to DIR/EVIL --identity DIR/EVIL --root-key-file DIR/made-root --without-logs
restore --from DIR/bad.toml --to DIR/restored --identity DIR/missing --root-key-file DIR/made-root --log EVIL=DIR
restore --from DIR/made.backup --to DIR/restored --identity DIR/a.key --share DIR/EVIL
backup verify EVIL
backup verify DIR/bad.toml
backup verify DIR/made.backup --identity DIR/EVIL
audit
audit EVIL
audit export EVIL
audit export DIR/bad.toml --out DIR/EVIL
audit export DIR/missing --from EVIL
audit export DIR/missing --format EVIL
audit export DIR/events.log
audit tail --log DIR/events.log
audit tail --data DIR/EVIL
audit query --log DIR/events.log
audit query --log DIR/events.log --operation EVIL
audit query --log DIR/events.log --since EVIL
audit query --log DIR/missing
audit prove EVIL --data DIR/made
audit prove EVIL --log DIR/events.log
audit verify --data DIR/made --verifier-key EVIL
audit verify --data DIR/made --root-key-file DIR/made-root --log EVIL=DIR/bad.toml
witness EVIL
witness --data DIR/EVIL
dev --account EVIL
dev --addr EVIL
dev --seed DIR/bad.toml
dev --data DIR/a.key
version
version EVIL
identity EVIL
key EVIL
clock EVIL
EVIL
--EVIL
import --EVIL
identity list --endpoint-url EVIL
identity list --profile EVIL
identity list --output EVIL
__complete import --endpoint-url SERVER ""
completion bash
help EVIL
identity --help
`

// TestHostileText checks that no command prints a control character, or a line that begins with text
// from outside, whatever the server answers and whatever the names of files are.
func TestHostileText(t *testing.T) {
	clearAWS(t)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	for name, answer := range map[string]http.HandlerFunc{"answers": hostileAnswer, "errors": hostileError, "nothing": emptyAnswer, "no JSON": noJSON} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			t.Setenv("AWS_ENDPOINT_URL", server.URL)
			dir := hostileFolder(t)
			for line := range strings.Lines(strings.TrimSpace(commandLines)) {
				runHostile(t, strings.NewReplacer("EVIL", evil, "DIR", dir, "SERVER", server.URL), strings.TrimSuffix(line, "\n"))
			}
		})
	}
}

func runHostile(t *testing.T, in *strings.Replacer, line string) {
	t.Helper()
	var args []string
	for _, word := range strings.Split(line, " ") {
		args = append(args, in.Replace(strings.Trim(word, `"`)))
	}
	var out bytes.Buffer // not a terminal, whose writer would escape too
	c := command()
	c.SetArgs(args)
	c.SetIn(strings.NewReader("stdin " + evil))
	c.SetOut(&out)
	c.SetErr(&out)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.ExecuteContext(ctx); err != nil {
		report(&out, err)
	}
	text := out.String()
	if strings.HasPrefix(line, "completion") || strings.HasPrefix(line, "__complete") {
		text = strings.ReplaceAll(text, "\x1b", "") // scripts of cobra; the escapes of a terminal are tested below
	}
	if found := unescaped(text); found != nil {
		t.Errorf("keyhold %s prints %v:\n%q", line, found, text)
	}
	for printed := range strings.Lines(text) {
		if strings.HasPrefix(line, "explain-signature") && strings.HasPrefix(printed, "  ") {
			continue // the lines of canonical requests are indented
		}
		if strings.HasPrefix(strings.TrimLeft(printed, " "), "FORGED") {
			t.Errorf("keyhold %s prints a line that is not its own:\n%s", line, text)
		}
	}
	if strings.Contains(text, "panic") || strings.Contains(text, "nil pointer") {
		t.Errorf("keyhold %s:\n%s", line, text)
	}
}

// TestHostileTextOfAllCommands checks that every command is in commandLines.
func TestHostileTextOfAllCommands(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, below := range c.Commands() {
			walk(below)
		}
		name := strings.TrimPrefix(c.CommandPath(), "keyhold ")
		if c.Runnable() && !slices.ContainsFunc(strings.Split(commandLines, "\n"), func(line string) bool { return strings.HasPrefix(line+" ", name+" ") }) && c.HasParent() {
			t.Errorf("no line for keyhold %s", name)
		}
	}
	walk(command())
}

// hostileFolder returns a folder with a hostile name and hostile files.
func hostileFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), evil)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Skip("the file system does not permit such names:", err)
	}
	event, err := audit.Event{
		EventID: "1", EventName: evil, UserAgent: evil, ErrorMessage: evil, UserIdentity: audit.Identity{UserName: evil},
		RequestParameters: fmt.Appendf(nil, "{%q:%q}", "\u202e", "\u202e"),
	}.Line()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"events.log":    string(event),
		"people.toml":   "[[user]]\nname = \"alice\"\naccess_keys = 1\n",
		"bad.toml":      "[[user]]\nname = \"" + evil + "\"\n",
		"good.toml":     "[storage]\ndata = \"\\u001b]52;c;ZXZpbA==\\u0007\\n\\u202eFORGED\"\n",
		"settings.toml": "server.address = '''" + evil + "'''\n'" + strings.NewReplacer("\r", "", "\n", "").Replace(evil) + "' = 1\n",
		"a.key":         strings.Repeat("k", 32),
		"client.log":    loggedRequest + evil,
		"recipients":    "age1spste8v5y57ht5mcfndfdq4p5a5vjugzj74gljaca2x4gq9te5aqy3t8ay\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func hostileError(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Amzn-Errortype", "Evil"+"\u202e")
	w.Header().Set("X-Amzn-Requestid", "id\u202e\u009b")
	w.WriteHeader(http.StatusBadRequest)
	json.NewEncoder(w).Encode(map[string]string{"message": evil, "__type": evil})
}

func emptyAnswer(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) }

func noJSON(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(evil)) }

// hostileAnswer fills the response with hostile text. A list never ends.
func hostileAnswer(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	out := map[string]any{
		"ShowClock": &api.ClockResponse{}, "MoveClock": &api.ClockResponse{}, "ExplainSignature": &api.ExplainSignatureResponse{},
		"ExplainDecision": &api.ExplainDecisionResponse{}, "RecreateKey": &api.RecreateKeyResponse{}, "ListIdentities": &api.ListIdentitiesResponse{},
		"ShowIdentity": &api.ShowIdentityResponse{}, "RotateAccessKey": &api.RotateAccessKeyResponse{}, "DescribeKey": &api.DescribeKeyResponse{},
		"ListKeys": &api.ListKeysResponse{}, "ListAliases": &api.ListAliasesResponse{}, "GetParametersForImport": &api.GetParametersForImportResponse{},
		"ListKeyRotations": &api.ListKeyRotationsResponse{}, "ImportKeyMaterial": &api.ImportKeyMaterialResponse{}, "Encrypt": &api.EncryptResponse{},
	}[operation]
	if strings.HasPrefix(operation, "Put") {
		out = &api.PutIdentityResponse{}
	}
	if out == nil {
		emptyAnswer(w, r)
		return
	}
	fillHostile(reflect.ValueOf(out).Elem())
	if k, ok := out.(*api.DescribeKeyResponse); ok { // to print more
		k.KeyMetadata.Origin, k.KeyMetadata.KeySpec = new("EXTERNAL"), new("SYMMETRIC_DEFAULT")
	}
	text, err := api.Encode(out)
	if err != nil {
		panic(err)
	}
	w.Write(text)
}

// fillHostile sets all parts of a value: texts to evil.
func fillHostile(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(evil)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*api.Timestamp]() {
			v.Set(reflect.ValueOf(api.NewTimestamp(time.Now())))
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fillHostile(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("bytes"))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillHostile(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fillHostile(v.Field(i))
			}
		}
	}
}
