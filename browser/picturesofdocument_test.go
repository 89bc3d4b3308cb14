package browser

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mostOctets is the most that a picture may have.
const mostOctets = 60_000

// docs/console.md shows each picture that TestPictures makes, and no other.
func TestPicturesOfTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for line := range strings.Lines(strings.TrimSpace(shots)) {
		want = append(want, strings.Fields(line)[0])
	}
	for _, shown := range regexp.MustCompile(`!\[[^\]]+\]\(([^)]*)\)`).FindAllStringSubmatch(string(text), -1) {
		got = append(got, strings.TrimSuffix(strings.TrimPrefix(shown[1], "console/"), ".png"))
		content, err := os.ReadFile(filepath.Join("../docs", shown[1]))
		if err != nil {
			t.Error(err)
			continue
		}
		found, err := png.DecodeConfig(bytes.NewReader(content))
		_, paletted := found.ColorModel.(color.Palette)
		if err != nil || found.Width != pictureWidth || !paletted || len(content) > mostOctets {
			t.Errorf("%s: %v, %d pixels wide, a palette: %v, %d octets", shown[1], err, found.Width, paletted, len(content))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("docs/console.md shows %q, not %q", got, want)
	}
}
