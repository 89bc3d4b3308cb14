package browser

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// shots are the pages of the pictures, by the names of their files. KEY is a key, and EMPTY a key with no key material.
const shots = `
keys       /keys
key        /keys/KEY
use        /keys/KEY?tab=use
import     /import/EMPTY
calendar   /calendar
audit      /audit
`

// pictureWidth is the width of the pictures, in pixels.
const pictureWidth = 1000

// TestPictures writes pictures of six pages into the folder that KEYHOLD_CONSOLE names.
func TestPictures(t *testing.T) {
	needsWhole(t)
	folder := os.Getenv("KEYHOLD_CONSOLE")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	p := newPage(t, startDev(t, "--data", "data"))
	p.do(chromedp.EmulateViewport(pictureWidth, 720))
	if _, err := chromedp.Call(p.ctx, emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true}); err != nil {
		t.Fatal(err)
	}
	p.open("/")
	p.see("Sign in to Keyhold")
	name := strings.NewReplacer(p.fillForPictures()...)
	for line := range strings.Lines(strings.TrimSpace(shots)) {
		f := strings.Fields(line)
		p.visit(name.Replace(f[1]))
		p.until("that "+f[0]+" loads", loaded)
		if f[0] == "use" {
			p.fill("Text for Encrypt", "the plaintext")
			p.press("Encrypt")
			p.see("CiphertextBlob:")
		}
		shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, f[0]+".png"), small(t, shot), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fillForPictures makes keys whose key material expires in the next months, signs in, and returns what stands for the
// names of keys in the addresses.
func (p *page) fillForPictures() []string {
	p.Helper()
	id := func(in map[string]any) string {
		return p.carryOut("CreateKey", in)["KeyMetadata"].(map[string]any)["KeyId"].(string)
	}
	for i, days := range []int{20, 48, 95, 99, 180, 300} {
		importKey(p.T, p.endpoint, fmt.Sprintf("alias/partner-%d", i+1), fmt.Sprintf("%dd", days))
	}
	payroll := id(map[string]any{"Description": "payroll, production"})
	p.carryOut("CreateAlias", map[string]any{"AliasName": "alias/payroll", "TargetKeyId": payroll})
	p.carryOut("TagResource", map[string]any{"KeyId": payroll, "Tags": []any{map[string]string{"TagKey": "team", "TagValue": "payroll"}}})
	id(map[string]any{"Description": "invoices", "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})
	empty := id(map[string]any{"Description": "waits for its key material", "Origin": "EXTERNAL"})
	p.signIn()
	p.see("Overview")
	return []string{"KEY", payroll, "EMPTY", empty}
}

// small returns a picture with a palette of its 256 most frequent colours.
func small(t *testing.T, shot []byte) []byte {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[color.Color]int{}
	bounds := picture.Bounds()
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			counts[picture.At(x, y)]++
		}
	}
	colours := make(color.Palette, 0, len(counts))
	for c := range counts {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.Color) int { return cmp.Compare(counts[b], counts[a]) })
	made := image.NewPaletted(bounds, colours[:min(256, len(colours))])
	nearest := map[color.Color]uint8{}
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			c := picture.At(x, y)
			at, ok := nearest[c]
			if !ok {
				at = uint8(made.Palette.Index(c))
				nearest[c] = at
			}
			made.SetColorIndex(x, y, at)
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, made); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
