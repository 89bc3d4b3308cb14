package browser

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// client returns a client of the official SDK for a dev server.
func client(endpoint string) *kms.Client {
	return kms.New(kms.Options{BaseEndpoint: &endpoint, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
}

// createKey creates a key with no key material.
func createKey(t *testing.T, c *kms.Client, spec, usage string) *types.KeyMetadata {
	t.Helper()
	out, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{
		Origin: types.OriginTypeExternal, KeySpec: types.KeySpec(spec), KeyUsage: types.KeyUsageType(usage),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.KeyMetadata
}

// describe returns a key.
func describe(t *testing.T, c *kms.Client, id string) *types.KeyMetadata {
	t.Helper()
	out, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		t.Fatal(err)
	}
	return out.KeyMetadata
}

// saveTo lets the page save files in a folder, and returns the folder.
func (p *page) saveTo() string {
	p.Helper()
	folder := p.TempDir()
	_, err := chromedp.Call(p.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: "allow", DownloadPath: folder, BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
	})
	if err != nil {
		p.Fatal(err)
	}
	return folder
}

// saved returns the path of a file that the page saved.
func (p *page) saved(folder, name string) string {
	p.Helper()
	path := filepath.Join(folder, name)
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return path
		}
	}
	files, _ := filepath.Glob(filepath.Join(folder, "*"))
	p.Fatalf("%s was not saved, but %q", name, files)
	return ""
}

// chooseFile chooses a file in the field with a label.
func (p *page) chooseFile(label, path string) {
	p.Helper()
	p.until("a field "+label, control(label))
	object, err := chromedp.Call(p.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: control(label)})
	if err != nil {
		p.Fatal(err)
	}
	_, err = chromedp.Call(p.ctx, dom.SetFileInputFiles, dom.SetFileInputFilesParams{
		Files: []string{path}, ObjectID: object.Result.ObjectID,
	})
	if err != nil {
		p.Fatal(err)
	}
}

// tick chooses the radio button with a label.
func (p *page) tick(label string) {
	p.Helper()
	radio := `[...document.querySelectorAll("input[type=radio]")].find((r) => !r.disabled && r.labels[0].innerText.trim() === ` + quote(label) + `)`
	p.until("a choice "+label, radio)
	eval[bool](p, radio+`.click(), true`)
	p.until(label+" is chosen", radio+`.checked`)
}

const (
	expires = "It expires: the server deletes it then. The same key material can be imported again."
	never   = "It does not expire: the server keeps it until you delete it."
)

// toStep3 goes to the import of a key, and downloads the public key and the import token.
func (p *page) toStep3(id, algorithm, wrappingSpec string) {
	p.Helper()
	p.visit("/import/" + id)
	p.see(id)
	p.see("Step 2")
	p.fill("Wrapping key spec", wrappingSpec)
	p.fill("Wrapping algorithm", algorithm)
	p.press("Download the public key and import token")
	p.see("Step 3")
}

// generate generates key material, saves the original and lets the page read it. It returns the path of the original.
func (p *page) generate(folder, name string) string {
	p.Helper()
	p.tick("Generate")
	p.press("Generate key material")
	p.press("Save the original")
	path := p.saved(folder, name)
	p.chooseFile("Check the saved file", path)
	p.see("The saved file holds this key material.")
	return path
}

// finish encrypts the key material, imports it for 90 days and waits for the proof.
func (p *page) finish() {
	p.Helper()
	p.press("Encrypt the key material")
	p.see("Step 4")
	p.tick(expires)
	p.press("90 days")
	p.press("Import the key material")
	p.see("Imported and proved")
}

// signedIn opens a page that is signed in.
func signedIn(t *testing.T, endpoint string) *page {
	t.Helper()
	p := newPage(t, endpoint)
	p.open("/import")
	p.signIn()
	p.see("Step 1: Create a key with no key material")
	return p
}

// checkExpiry checks that the key material of a key expires after about 90 days.
func checkExpiry(t *testing.T, k *types.KeyMetadata) {
	t.Helper()
	left := time.Until(aws.ToTime(k.ValidTo))
	if k.KeyState != types.KeyStateEnabled || left < 89*24*time.Hour || left > 90*24*time.Hour {
		t.Errorf("the key is %s and its key material expires in %v", k.KeyState, left)
	}
}
