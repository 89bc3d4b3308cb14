package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/byok"
)

// importCheckOptions are the flags of keyhold import check.
type importCheckOptions struct {
	client           clientOptions
	manifest, within string
	output           output
}

func importCheckCommand() *cobra.Command {
	var o importCheckOptions
	c := &cobra.Command{
		Use:   "check --manifest DIR [--within 30d]",
		Short: "Compare the material of the server with the manifests of imports",
		Long: `Compare the material of the server with the manifests of its imports: all files in DIR
whose names end with .json, or a single manifest. The keys can be in several Regions.
Nothing is changed. "keyhold import" writes a manifest if --manifest is given.

STATUS is ok, or one of these:

  missing     the key has no such material now: it expired or was deleted
  expires     the material expires within the time of --within
  differs     the key has other material in place of this
  undeclared  the key has material that no manifest describes
  deleting    the key is scheduled for deletion
  no key      the server has no such key

The server does not show which material an HMAC key has, so such a key never differs.

Exit codes for scripts: 0 if every status is ok, 3 if not.`,
		Example: "  keyhold import check --manifest manifests --within 14d || notify-send 'look after your keys'",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.manifest == "" {
				return usageError{fmt.Errorf("%s needs --manifest DIR", c.CommandPath())}
			}
			if err := o.output.check(c); err != nil {
				return err
			}
			return o.run(c.Context(), printer{c.ErrOrStderr()})
		},
	}
	o.client.flags(c)
	o.output.flag(c)
	c.Flags().StringVar(&o.manifest, "manifest", "", "folder of manifests, or a manifest")
	c.Flags().StringVar(&o.within, "within", "30d", "time to look ahead, such as 14d or 36h")
	return c
}

// A declaredMaterial is a manifest and the name of its file.
type declaredMaterial struct {
	*byok.Manifest
	file string
}

// maxManifests bounds the manifests of a folder.
const maxManifests = 100_000

// readManifests reads the manifests in a folder, or a single manifest.
func readManifests(path string) (all []declaredMaterial, err error) {
	files := []string{path}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(escapeGlob(path), "[^.]*"+manifestSuffix)); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 || len(files) > maxManifests {
		return nil, fmt.Errorf("%s has %d manifests: give a folder with 1 to %d files whose names end with %s", path,
			len(files), maxManifests, manifestSuffix)
	}
	for _, file := range files {
		m, err := readManifest(file)
		if err != nil {
			return nil, err
		}
		all = append(all, declaredMaterial{m, file})
	}
	return all, checkOneEach(all)
}

// checkOneEach refuses two manifests of the same material.
func checkOneEach(all []declaredMaterial) error {
	type name struct{ key, fingerprint string }
	seen := map[name]string{}
	for _, d := range all {
		n := name{d.KeyARN, d.Fingerprint}
		if seen[n] != "" {
			return fmt.Errorf("%s and %s describe the same material: remove the older of the two", seen[n], d.file)
		}
		seen[n] = d.file
	}
	return nil
}

func (o *importCheckOptions) run(ctx context.Context, progress printer) error {
	within, err := parseAge("--within", o.within, "30d")
	if err != nil {
		return err
	}
	declared, err := readManifests(o.manifest)
	if err != nil {
		return err
	}
	server, err := o.client.connect(ctx, progress)
	if err != nil {
		return err
	}
	now := server.now(ctx)
	list, err := server.checkManifests(ctx, declared, now, now.Add(within))
	if err != nil {
		return err
	}
	if err := o.output.print(checkedTable(list), list); err != nil {
		return err
	}
	findings := 0
	for _, m := range list {
		if m.Status != statusOK {
			findings++
		}
	}
	if findings > 0 {
		progress.step("Findings", "%d of %d; to import the same material again:", findings, len(list))
		progress.more("keyhold import KEY --from FILE --expires 90d --manifest FILE")
		return exitCode(exitExpiring)
	}
	progress.step("Sound", "the server has the %d materials of the manifests", len(list))
	return nil
}

// checkManifests compares the manifests with the server, key by key.
func (c *connection) checkManifests(
	ctx context.Context, declared []declaredMaterial, now, end time.Time,
) ([]checkedMaterial, error) {
	ofKey := map[string][]declaredMaterial{}
	var keys []string
	for _, d := range declared {
		if ofKey[d.KeyARN] == nil {
			keys = append(keys, d.KeyARN)
		}
		ofKey[d.KeyARN] = append(ofKey[d.KeyARN], d)
	}
	slices.Sort(keys)
	found := make([][]checkedMaterial, len(keys))
	err := eachOf(ctx, len(keys), func(ctx context.Context, i int) error {
		of := ofKey[keys[i]]
		k, err := c.in(of[0].Region()).heldKey(ctx, of[0].Manifest)
		if err != nil {
			return fmt.Errorf("%s: %w", keys[i], err)
		}
		found[i] = k.compare(of, now, end)
		return nil
	})
	return slices.Concat(found...), err
}

// checkedTable shows the list in columns.
func checkedTable(list []checkedMaterial) *page {
	p := new(page)
	w := p.table()
	printf(w, "STATUS\tEXPIRES\tDAYS LEFT\tKEY\tMATERIAL\tMANIFEST\n")
	for _, m := range list {
		days := "-"
		if m.ValidTo != "" {
			days = fmt.Sprint(m.DaysLeft)
		}
		material := cmp.Or(m.KeyMaterialId, m.MaterialFingerprint)
		printf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Status, cmp.Or(m.ValidTo, "-"), days, m.KeyId,
			material[:min(8, len(material))], cmp.Or(m.Manifest, "-"))
	}
	w.Flush()
	return p
}
