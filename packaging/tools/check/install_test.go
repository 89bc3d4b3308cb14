package check

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// installed is the version that the proxy of the test has.
var installed = module.Version{Path: "github.com/keyhold/keyhold", Version: "v1.2.3"}

// go install builds the program of the last commit in an empty environment, as docs/testing.md says, and the program
// serves. The proxy of the test has the module, and the module cache of this machine has the libraries. The flags are
// those of packaging/build, so the libraries are not compiled once more.
func TestGoInstall(t *testing.T) {
	folder := t.TempDir()
	proxy, bin := filepath.Join(folder, "proxy"), filepath.Join(folder, "bin")
	publish(t, proxy)
	cache := strings.TrimSpace(run(t, "go", "env", "GOMODCACHE"))
	c := exec.Command("go", "install", installed.Path+"/cmd/keyhold@"+installed.Version)
	c.Dir = folder
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "GOPATH=" + filepath.Join(folder, "go"), "GOBIN=" + bin,
		"GOCACHE=" + strings.TrimSpace(run(t, "go", "env", "GOCACHE")), "GOFLAGS=-modcacherw -trimpath",
		"GOEXPERIMENT=runtimesecret", "CGO_ENABLED=0", "GOSUMDB=off",
		"GOPROXY=file://" + proxy + ",file://" + cache + "/cache/download"}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program := filepath.Join(bin, "keyhold")
	if out := run(t, program, "version"); !strings.HasPrefix(out, "keyhold "+installed.Version+" ") {
		t.Error(out)
	}
	expectServes(t, program)
}

// publish writes the module of the last commit into the folder of a proxy, as go.dev/ref/mod#goproxy-protocol
// describes.
func publish(t *testing.T, proxy string) {
	t.Helper()
	folder := filepath.Join(proxy, installed.Path, "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := os.Create(filepath.Join(folder, installed.Version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	commit := t.TempDir()
	run(t, "sh", "-ec", `git -C "$1" archive HEAD | tar -x -C "$2"`, "sh", root, commit)
	if err := zip.CreateFromDir(archive, installed, commit); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "list"), installed.Version+"\n")
	writeFile(t, filepath.Join(folder, installed.Version+".info"), `{"Version": "`+installed.Version+`"}`)
	writeFile(t, filepath.Join(folder, installed.Version+".mod"), run(t, "git", "-C", root, "show", "HEAD:go.mod"))
}

// expectServes expects that a program answers as a server for tests.
func expectServes(t *testing.T, program string) {
	t.Helper()
	c := exec.Command(program, "dev", "--addr", "127.0.0.1:0")
	banner, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait() // reports that the server was killed
	}()
	response, err := http.Get(endpointOf(t, banner) + "/health/ready")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the server answers %s", response.Status)
	}
}
