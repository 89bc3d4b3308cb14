package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed static
var static embed.FS

// A file is a file of the console.
type file struct {
	contentType string
	tag         string // ETag: the SHA-256 of the content
	content     []byte
	compressed  func() []byte // compresses the content once, when it is first needed
}

// contentTypes are the types of the files by the ends of their names. A type that the machine's own table gives could
// be another one, and with nosniff the browser would refuse the file.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// readFiles returns the embedded files by their paths below Path.
func readFiles() (map[string]*file, error) {
	files := map[string]*file{}
	return files, fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "static/")
		files[name], err = newFile(name, content)
		return err
	})
}

// versionPrefix begins the name of each version, and no name of a file.
const versionPrefix = "v-"

// versionOf returns a name that changes with the files.
func versionOf(files map[string]*file) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		io.WriteString(sum, name+files[name].tag)
	}
	return versionPrefix + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12])
}

func newFile(name string, content []byte) (*file, error) {
	contentType, ok := contentTypes[path.Ext(name)]
	if !ok {
		return nil, fmt.Errorf("console: %s has no content type", name)
	}
	sum := sha256.Sum256(content)
	return &file{
		contentType: contentType,
		tag:         `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`,
		content:     content,
		compressed:  sync.OnceValue(func() []byte { return compress(content) }),
	}, nil
}

// jsonFile returns a file with a value as JSON.
func jsonFile(name string, value any) (*file, error) {
	content, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return newFile(name, content)
}

// compress cannot fail: it writes to memory, and the level is valid.
func compress(content []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	w.Write(content)
	w.Close()
	return out.Bytes()
}
