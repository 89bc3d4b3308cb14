// Command image writes an image of a program as an archive of the OCI Image Format, without a daemon:
// the program, the authorities of this machine, and a user without privileges. Two images of the same
// files are equal, byte for byte.
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is the user and group of the program in the image.
const user = 65532

// options are the flags.
type options struct {
	program, authorities, licences, version, revision, to string
	created                                               int64 // seconds since 1970
}

func main() {
	var o options
	flag.StringVar(&o.program, "program", "", "the program")
	flag.StringVar(&o.authorities, "authorities", "/etc/ssl/certs/ca-certificates.crt", "certificates of authorities, PEM")
	flag.StringVar(&o.licences, "licences", "", "licences of the libraries in the program")
	flag.StringVar(&o.version, "version", "", "version of the image")
	flag.StringVar(&o.revision, "revision", "", "commit of the program")
	flag.Int64Var(&o.created, "created", 0, "time of the commit, in seconds since 1970")
	flag.StringVar(&o.to, "to", "", "the archive")
	flag.Parse()
	if err := o.run(); err != nil {
		log.Fatal("image: ", err)
	}
}

func (o options) run() error {
	image, err := o.image()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "image")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	name := map[string]string{"org.opencontainers.image.ref.name": o.version}
	if err := path.AppendImage(image, layout.WithAnnotations(name)); err != nil {
		return err
	}
	return o.archive(folder)
}

// image returns the image: one layer, and how to run it.
func (o options) image() (v1.Image, error) {
	content, err := o.layer()
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	history := v1.History{CreatedBy: "packaging/tools/image"}
	image, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: history})
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = "linux", "amd64", v1.Time{Time: o.time()}
	file.Config = o.config()
	return mutate.ConfigFile(image, file)
}

// config says how to run the image: by default as a server for tests. Data is in /var/lib/keyhold.
func (o options) config() v1.Config {
	return v1.Config{
		Entrypoint:   []string{"/usr/bin/keyhold"},
		Cmd:          []string{"dev", "--addr", "0.0.0.0:4599"},
		User:         fmt.Sprintf("%d:%d", user, user),
		WorkingDir:   "/var/lib/keyhold",
		Env:          []string{"PATH=/usr/bin", "HOME=/var/lib/keyhold"},
		ExposedPorts: map[string]struct{}{"4599/tcp": {}},
		Volumes:      map[string]struct{}{"/var/lib/keyhold": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "Keyhold",
			"org.opencontainers.image.description": "A key management server that speaks the AWS KMS API",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.source":      "https://github.com/keyhold/keyhold",
			"org.opencontainers.image.version":     o.version,
			"org.opencontainers.image.revision":    o.revision,
			"org.opencontainers.image.created":     o.time().Format(time.RFC3339),
		},
	}
}

func (o options) time() time.Time { return time.Unix(o.created, 0).UTC() }

// layer returns a tar archive with the files of the image.
func (o options) layer() ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, folder := range []struct {
		name  string
		mode  int64
		owner int
	}{
		{"etc/", 0o755, 0}, {"etc/ssl/", 0o755, 0}, {"etc/ssl/certs/", 0o755, 0}, {"tmp/", 0o1777, 0},
		{"usr/", 0o755, 0}, {"usr/bin/", 0o755, 0}, {"usr/share/", 0o755, 0}, {"usr/share/doc/", 0o755, 0},
		{"usr/share/doc/keyhold/", 0o755, 0}, {"var/", 0o755, 0}, {"var/lib/", 0o755, 0}, {"var/lib/keyhold/", 0o700, user},
	} {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: folder.name, Mode: folder.mode, Uid: folder.owner, Gid: folder.owner}
		if err := o.add(w, h, nil); err != nil {
			return nil, err
		}
	}
	passwd := fmt.Sprintf("root:x:0:0::/:\nkeyhold:x:%d:%d::/var/lib/keyhold:\n", user, user)
	if err := o.add(w, &tar.Header{Name: "etc/passwd", Mode: 0o644}, []byte(passwd)); err != nil {
		return nil, err
	}
	for _, file := range []struct {
		from, name string
		mode       int64
	}{
		{o.authorities, "etc/ssl/certs/ca-certificates.crt", 0o644},
		{o.licences, "usr/share/doc/keyhold/licences.txt.gz", 0o644},
		{o.program, "usr/bin/keyhold", 0o755},
	} {
		content, err := os.ReadFile(file.from)
		if err != nil {
			return nil, err
		}
		if err := o.add(w, &tar.Header{Name: file.name, Mode: file.mode}, content); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

// add adds an entry of the time of the commit.
func (o options) add(w *tar.Writer, h *tar.Header, content []byte) error {
	h.ModTime, h.Size, h.Format = o.time(), int64(len(content)), tar.FormatPAX
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

// archive writes a folder of the OCI Image Layout as a tar archive.
func (o options) archive(folder string) (err error) {
	f, err := os.Create(o.to)
	if err != nil {
		return err
	}
	w := tar.NewWriter(f)
	err = filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == folder {
			return err
		}
		name, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return o.add(w, &tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}, nil)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return o.add(w, &tar.Header{Name: name, Mode: 0o644}, content)
	})
	if err == nil {
		err = w.Close()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	return err
}
