// Package browser tests the console in Chromium, against real servers. It is a module of its own, so that the modules
// that drive a browser stay out of go.mod of Keyhold.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for something that must happen.
const patience = 90 * time.Second

// whole is set by make console. The short form of the tests is part of make test.
var whole = os.Getenv("KEYHOLD_CONSOLE") != ""

// program is the path of keyhold, and chromium the context of the browser. TestMain sets both.
var (
	program  string
	chromium context.Context
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run builds keyhold, starts Chromium, and runs the tests.
func run(m *testing.M) (code int, err error) {
	folder, err := os.MkdirTemp("", "console-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "keyhold")
	if out, err := build().CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build keyhold: %w\n%s", err, out)
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		return 0, fmt.Errorf("the tests of the console need Chromium: run .ci/deps .build/venv, or apt-get install chromium: %w", err)
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.IgnoreCertErrors, // of the OIDC provider of the tests
		chromedp.NoSandbox,        // Chromium refuses its sandbox to root
		chromedp.ExecPath(path), chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(patience),
		chromedp.UserDataDir(filepath.Join(folder, "profile")), chromedp.Env("HOME=" + folder),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-extensions", true),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("lang", "en-US"),
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	defer end()
	var cancel context.CancelFunc
	chromium, cancel = chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(chromium); err != nil {
		return 0, fmt.Errorf("start Chromium: %w", err)
	}
	return m.Run(), nil
}

func build() *exec.Cmd {
	c := exec.Command("go", "build", "-o", program, "./cmd/keyhold")
	c.Dir = ".."
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	return c
}
