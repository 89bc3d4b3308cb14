// Package keyhold_test holds the law of the rooms: which package may import
// which.
package keyhold_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// law gives, for each room, the other rooms and then, after a bar, the modules
// of others that its code may import; the standard library is free to all. It is
// the picture of docs/design.md as text: vocabulary below, engines that do not
// know one another, one service where they meet, edges above.
const law = `
internal/key              |  json
internal/quote            |  json
internal/api              internal/quote  |  json
internal/api/sts          internal/api  |

internal/privatekey       |  secp256k1 xcrypto
internal/keyfile          internal/privatekey  |  xcrypto
internal/crypt            internal/privatekey  |  circl mldsa secp256k1 tink xcrypto
internal/guarded          |
internal/fips             |
internal/durable          |
internal/doctor           internal/guarded internal/space  |  sys
internal/bounded          |
internal/measure          |
internal/health           |
internal/tracing          |  otel
internal/metrics          internal/measure  |  prometheus
internal/private          internal/admit internal/health  |  json
internal/authority        |
internal/seal             |  json
internal/recipients       |  age xcrypto
internal/shares           internal/crypt internal/recipients  |  circl
internal/custody/helper   |
internal/custody          internal/bounded internal/custody/helper internal/durable internal/guarded internal/seal  |  aws tpm xcrypto
internal/identity         internal/key  |
internal/sigv4            internal/bounded internal/key internal/identity  |
internal/policy           internal/key  |  json
internal/webidentity      internal/key  |  jose json
internal/settings         |  toml
internal/console          |
internal/space            |
internal/transparency     |  xmod
internal/cosign           internal/transparency  |  xmod
internal/anchor           internal/cosign internal/durable internal/space internal/transparency  |  xmod
internal/forward          internal/durable internal/transparency  |  xmod
internal/cloudtrail       internal/transparency  |  json
internal/witness          internal/admit internal/cosign internal/durable internal/guarded internal/transparency  |  xmod
internal/logtest          internal/cosign internal/transparency  |  xmod
internal/audit            internal/bounded internal/durable internal/quote internal/space internal/transparency  |  json xmod zstd
internal/seed             internal/key internal/api internal/keyfile internal/privatekey  |  toml
internal/policy/naive     internal/key internal/policy  |
internal/policy/hostile   internal/key internal/policy  |
internal/admit            |  sys
internal/store            internal/measure  |  json
internal/store/boltpages  internal/store  |
internal/store/etcd       internal/store internal/store/engine internal/store/remote  |  etcd grpc uuid zap
internal/store/local      internal/durable internal/store/boltpages internal/store internal/space  |  bbolt
internal/store/memory     internal/store  |  btree
internal/store/postgres   internal/space internal/store internal/store/engine internal/store/remote  |  pgx
internal/store/engine     |
internal/store/remote     internal/guarded  |
internal/store/storetest  internal/store  |
internal/listtest         |
internal/programtest      |
internal/custodytest      internal/programtest  |
internal/secrettest       |

internal/records          internal/key internal/policy internal/identity internal/seal internal/store  |
internal/census           internal/key internal/records internal/store  |
internal/material         internal/measure internal/records internal/key internal/crypt internal/seal internal/store internal/space  |
internal/journal          internal/records internal/audit internal/store internal/space internal/transparency  |  uuid
internal/backup           internal/recipients internal/material internal/records internal/key internal/crypt internal/seal internal/store  |
internal/nodes            internal/audit internal/journal internal/records internal/store  |
internal/expiries         internal/audit internal/journal internal/key internal/records internal/store  |  json
internal/reseal           internal/material internal/records internal/seal internal/space internal/store  |
internal/redo             internal/journal internal/records internal/key internal/api internal/identity internal/audit internal/store internal/transparency  |  xmod
internal/transfer         internal/integrity internal/journal internal/material internal/records internal/key internal/seal internal/audit internal/store  |
internal/integrity        internal/journal internal/material internal/records internal/key internal/api internal/crypt internal/seal internal/identity internal/audit internal/store internal/transparency  |  xmod

internal/service          internal/backup internal/expiries internal/recipients internal/health internal/measure internal/bounded internal/census internal/nodes internal/reseal internal/journal internal/material internal/records internal/key internal/api internal/api/sts internal/policy internal/crypt internal/seal internal/identity internal/sigv4 internal/audit internal/seed internal/store internal/space internal/webidentity internal/admit  |  json uuid
internal/conns            |  proxy
internal/server           internal/console internal/measure internal/key internal/api internal/api/sts internal/conns internal/identity internal/sigv4 internal/service internal/space internal/admit  |  fasthttp uuid
internal/host             internal/service internal/nodes internal/sigv4 internal/webidentity internal/audit internal/durable internal/records internal/identity internal/key internal/guarded internal/seal internal/space internal/store internal/store/etcd internal/store/local internal/store/memory internal/store/postgres  |

byok                      internal/keyfile internal/privatekey  |  tink
byok/awsimport            byok  |  aws
kmstest                   internal/authority internal/conns internal/host internal/identity internal/seed internal/server internal/service  |  aws
cmd/keyhold               internal/bounded internal/console internal/expiries internal/backup internal/redo internal/recipients internal/anchor internal/cloudtrail internal/doctor internal/forward internal/fips internal/witness internal/custody internal/shares internal/durable internal/transfer internal/integrity internal/nodes internal/journal internal/records internal/key internal/api internal/guarded internal/authority internal/seal internal/seed internal/settings internal/identity internal/sigv4 internal/audit internal/store internal/store/local internal/service internal/space internal/conns internal/server internal/host byok byok/awsimport internal/health internal/measure internal/metrics internal/private internal/tracing  |  aws cobra pflag sys uuid xmod xterm

tally                     |
bench                     |  aws mldsa sys
attacks                   internal/policy internal/policy/hostile  |  aws sys
mutants                   mutants/mut  |
mutants/mut               |
clients/go                |  aws
clients/installed         |  aws
examples/first-import     |  aws
examples/three-nodes      |  aws
`

// modules are the modules of others, by the names that the law gives them.
var modules = map[string]string{
	"age":        "filippo.io/age",
	"aws":        "github.com/aws/",
	"bbolt":      "go.etcd.io/bbolt",
	"btree":      "github.com/tidwall/btree",
	"circl":      "github.com/cloudflare/circl",
	"cobra":      "github.com/spf13/cobra",
	"etcd":       "go.etcd.io/etcd",
	"fasthttp":   "github.com/valyala/fasthttp",
	"grpc":       "google.golang.org/grpc",
	"jose":       "github.com/go-jose/go-jose/v4",
	"json":       "github.com/go-json-experiment/json",
	"mldsa":      "filippo.io/mldsa",
	"pgx":        "github.com/jackc/pgx/v5",
	"otel":       "go.opentelemetry.io/otel",
	"pflag":      "github.com/spf13/pflag",
	"prometheus": "github.com/prometheus/client_golang",
	"proxy":      "github.com/pires/go-proxyproto",
	"secp256k1":  "github.com/decred/dcrd/dcrec/secp256k1/v4",
	"sys":        "golang.org/x/sys",
	"tpm":        "github.com/google/go-tpm",
	"tink":       "github.com/tink-crypto/tink-go/v2/kwp",
	"toml":       "github.com/pelletier/go-toml/v2",
	"uuid":       "github.com/google/uuid",
	"xcrypto":    "golang.org/x/crypto",
	"xmod":       "golang.org/x/mod/sumdb/",
	"xterm":      "golang.org/x/term",
	"zap":        "go.uber.org/zap",
	"zstd":       "github.com/klauspost/compress/zstd",
}

// pure are the rooms of vocabulary, and the decision: no I/O, no clock, no
// goroutine. So they may not import these packages.
var (
	pure      = []string{"internal/key", "internal/quote", "internal/api", "internal/api/sts", "internal/policy"}
	forbidden = []string{"context", "io", "log", "log/slog", "net", "net/http", "os", "sync"}
)

const modulePath = "github.com/keyhold/keyhold/"

func TestImportLaw(t *testing.T) {
	rooms := parseLaw(t)
	seen := map[string]bool{}
	for file, imports := range sources(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		room := path.Dir(file)
		seen[room] = true
		allowed, ok := rooms[room]
		if !ok {
			t.Errorf("%s: the law knows no room %s", file, room)
			continue
		}
		for _, name := range imports {
			if !strings.Contains(strings.Split(name, "/")[0], ".") { // of the standard library
				if slices.Contains(pure, room) && slices.Contains(forbidden, name) {
					t.Errorf("%s imports %s, but %s is pure: no I/O, no clock, no goroutine", file, name, room)
				}
				continue
			}
			if !slices.ContainsFunc(allowed, func(a string) bool {
				return a == name || strings.HasPrefix(name, strings.TrimSuffix(a, "/")+"/") && !strings.HasPrefix(a, modulePath)
			}) {
				t.Errorf("%s imports %s against the law", file, name)
			}
		}
	}
	for room := range rooms {
		if !seen[room] {
			t.Errorf("the law has the room %s, which does not exist", room)
		}
	}
}

// A reader of the design finds each room in it.
func TestDesignNamesRooms(t *testing.T) {
	const page = "docs/design.md"
	text := readFile(t, page)
	for room := range parseLaw(t) {
		if name := strings.TrimPrefix(room, "internal/"); !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s does not name the package %s", page, name)
		}
	}
}

// httpFiles are the files that may use the HTTP library. All others see a request and a response as values, so the
// header is parsed in one place.
var httpFiles = []string{
	"internal/server/http.go",       // from the library to values, and back
	"internal/server/server.go",     // listens
	"internal/server/bench_test.go", // measures a request without a network
	"internal/sigv4/wire_test.go",   // reads requests in tests as the server does
}

func TestHTTPFiles(t *testing.T) {
	seen := map[string]bool{}
	for file, imports := range sources(t) {
		if !slices.ContainsFunc(imports, func(name string) bool { return strings.HasPrefix(name, modules["fasthttp"]) }) {
			continue
		}
		seen[file] = true
		if !slices.Contains(httpFiles, file) {
			t.Errorf("%s imports %s: only %s may", file, modules["fasthttp"], strings.Join(httpFiles, ", "))
		}
	}
	for _, file := range httpFiles {
		if !seen[file] {
			t.Errorf("%s does not import %s: take the file off the list", file, modules["fasthttp"])
		}
	}
}

// parseLaw returns the import paths that each room may use.
func parseLaw(t *testing.T) map[string][]string {
	rooms := map[string][]string{}
	for line := range strings.Lines(law) {
		ours, others, _ := strings.Cut(line, "|")
		f := strings.Fields(ours)
		if len(f) == 0 {
			continue
		}
		allowed := []string{}
		for _, room := range f[1:] {
			allowed = append(allowed, modulePath+room)
		}
		for _, name := range strings.Fields(others) {
			if modules[name] == "" {
				t.Fatalf("the law names the unknown module %s", name)
			}
			allowed = append(allowed, modules[name])
		}
		rooms[f[0]] = append(rooms[f[0]], allowed...)
	}
	return rooms
}

// isModule reports whether a folder is a module of its own, whose imports are its own matter.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// sources returns the imports of each Go file.
func sources(t *testing.T) map[string][]string {
	files := map[string][]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(file)) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files[file] = []string{}
		for _, i := range parsed.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			files[file] = append(files[file], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
