package check

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// longestStart is how long a container may take from the start of runc to the first response.
const longestStart = 300 * time.Millisecond

// The image starts under runc as the user of its configuration, and answers soon.
func TestImageUnderRunc(t *testing.T) {
	bundle := t.TempDir()
	image := openImage(t, artefact(t, "keyhold-*.oci.tar"))
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if labels := config.Config.Labels; labels["org.opencontainers.image.revision"] == "" || config.Config.User != "65532:65532" {
		t.Errorf("the image has the user %q and the labels %v", config.Config.User, labels)
	}
	rootfs := mutate.Extract(image)
	defer rootfs.Close()
	unpack(t, rootfs, filepath.Join(bundle, "rootfs"))
	run(t, "runc", "spec", "--bundle", bundle)
	adaptSpec(t, filepath.Join(bundle, "config.json"), config.Config)
	var took []time.Duration
	for range 5 {
		took = append(took, firstResponse(t, bundle))
	}
	t.Logf("from runc to the first response: %v", took)
	if best := min(took[0], took[1], took[2], took[3], took[4]); best > longestStart {
		t.Errorf("the fastest of five starts took %v: at most %v", best, longestStart)
	}
}

// openImage returns the image in an archive.
func openImage(t *testing.T, archive string) v1.Image {
	t.Helper()
	folder := t.TempDir()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpack(t, f, folder)
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatal(manifest, err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// unpack writes the folders and files of a tar archive.
func unpack(t *testing.T, from io.Reader, to string) {
	t.Helper()
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, h.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			var content []byte
			if content, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, content, 0o644)
			}
		}
		if err == nil {
			err = errors.Join(os.Lchown(path, h.Uid, h.Gid), os.Chmod(path, os.FileMode(h.Mode&0o777)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// adaptSpec makes the configuration of runc run the image, on the network of this machine.
func adaptSpec(t *testing.T, path string, image v1.Config) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	process := spec["process"].(map[string]any)
	process["terminal"] = false
	process["args"] = append(append([]string{}, image.Entrypoint...), "dev", "--addr", "127.0.0.1:0")
	process["env"], process["cwd"] = image.Env, image.WorkingDir
	process["user"] = map[string]int{"uid": 65532, "gid": 65532}
	process["capabilities"] = map[string]any{}
	linux := spec["linux"].(map[string]any)
	kept := []any{}
	for _, space := range linux["namespaces"].([]any) {
		if space.(map[string]any)["type"] != "network" {
			kept = append(kept, space)
		}
	}
	linux["namespaces"] = kept
	if text, err = json.Marshal(spec); err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// firstResponse starts a container, and returns how long the first response took.
func firstResponse(t *testing.T, bundle string) time.Duration {
	t.Helper()
	name := "keyhold-test-" + filepath.Base(t.TempDir()) + time.Now().Format("150405.000000000")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	var stderr bytes.Buffer
	c := exec.Command("runc", "run", "--bundle", bundle, name)
	c.Stdout, c.Stderr = write, &stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	began := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	defer func() {
		_, _ = try(t, "runc", "kill", name, "KILL")
		_ = c.Wait() // reports that the server was killed
	}()
	endpoint := endpointOf(t, read)
	if endpoint == "" {
		t.Fatal("the server printed no endpoint: ", stderr.String())
	}
	response, err := http.Get(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return time.Since(began)
}

// endpointOf reads the banner of a server until the line of its endpoint.
func endpointOf(t *testing.T, banner io.Reader) string {
	t.Helper()
	text := []byte{}
	for buffer := make([]byte, 4096); ; {
		n, err := banner.Read(buffer)
		text = append(text, buffer[:n]...)
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "endpoint" {
				return f[1]
			}
		}
		if err != nil {
			return ""
		}
	}
}
