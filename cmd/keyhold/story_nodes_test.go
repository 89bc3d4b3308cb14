package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/programtest"
)

// storiesStore, if set, is the URL of a store that nodes can share. Module cluster sets it.
const storiesStore = "KEYHOLD_STORIES_STORE"

// nodesOfStory is the number of nodes that serve a story.
const nodesOfStory = 3

// TestStoriesOnNodes runs the stories that start a server, except storiesOfOneProcess, on three nodes with one store.
// A balancer sends each request to the next node.
func TestStoriesOnNodes(t *testing.T) {
	base := os.Getenv(storiesStore)
	if base == "" {
		t.Skipf("%s is not set: module cluster runs this test", storiesStore)
	}
	var started atomic.Int32
	p := storyParams(func(env *testscript.Env) error {
		name := fmt.Sprintf("%s-%s", rand.Text(), filepath.Base(env.WorkDir))
		store := partOf(base, name)
		env.Setenv(storiesStore, store)
		started.Add(1)
		err := newStory(env)
		env.Values[storyKey{}].(*story).store = store
		return err
	})
	p.Files = append(storiesOnNodes(t), writeKindsStory(t))
	testscript.Run(t, p)
	t.Cleanup(func() { t.Logf("%d stories ran on %d nodes", started.Load(), nodesOfStory) })
}

// partOf returns the URL of a new part of a store: below a prefix of etcd, or another schema of PostgreSQL, whose name
// is short and therefore random.
func partOf(store, name string) string {
	if url, _, ok := strings.Cut(store, "&schema="); ok {
		return url + "&schema=s" + rand.Text()
	}
	return store + "/" + name
}

// storeName is the file of a data folder that has the URL of its store, so that a story can move and remove the
// folder.
const storeName = "store"

// commandsOnStores are the commands that open the store of a data folder.
var commandsOnStores = []string{"dev", "init", "recover", "root-credentials", "serve", "verify"}

// mainOfStory is main for the lines of a story that run on nodes. Commands that open a data folder open its store. Their
// output has the name of the folder and not the URL.
func mainOfStory() {
	base, data := os.Getenv(storiesStore), flagOf(os.Args, "--data")
	if base == "" || data == "" {
		main()
		return
	}
	store, err := os.ReadFile(filepath.Join(data, storeName))
	isNew := os.Args[1] == "init" && err != nil
	if isNew {
		store = []byte(partOf(base, rand.Text()))
	} else if err != nil || !slices.Contains(commandsOnStores, os.Args[1]) {
		main()
		return
	}
	args := append(slices.Clone(os.Args[1:]), "--store", string(store))
	node := folderOfNode(data, 0)
	if slices.Contains([]string{"dev", "serve", "verify"}, os.Args[1]) {
		args = append(args, "--data", node)
		args = append(args, rootOfStory(os.Args[1], data, args)...)
	}
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), storiesStore+"=")
	if slices.ContainsFunc(args, func(arg string) bool { return strings.HasSuffix(arg, ":fd:3") }) {
		c.ExtraFiles = []*os.File{os.NewFile(3, "inherited")}
	}
	name := strings.NewReplacer("--store "+guarded.Shell(string(store))+" ", "", string(store), data, node, data)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, &replacing{os.Stdout, name}, &replacing{os.Stderr, name}
	err = c.Run()
	if isNew && err == nil {
		err = os.WriteFile(filepath.Join(data, storeName), store, 0o600)
	}
	if err != nil && c.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(100)
	}
	os.Exit(c.ProcessState.ExitCode())
}

// rootOfStory returns the flag for the root key that a command uses by default, unless the arguments
// name a root key.
func rootOfStory(command, data string, args []string) []string {
	switch {
	case slices.Contains(args, "--root-key-file") || slices.Contains(args, "--custody"):
		return nil
	case command == "dev":
		return []string{"--root-key-file", devRootKey(data)}
	case command == "serve":
		return []string{"--root-key-file", initRootKey(data)}
	}
	return []string{"--root-key-file", rootKeyFileOf(data)}
}

// folderOfNode returns the folder of a node. It is in the folder that a story names.
func folderOfNode(data string, i int) string { return filepath.Join(data, "nodes", fmt.Sprint(i)) }

// A replacing writer replaces words of each text that is written.
type replacing struct {
	io.Writer
	words *strings.Replacer
}

func (r *replacing) Write(p []byte) (int, error) {
	_, err := r.words.WriteString(r.Writer, string(p))
	return len(p), err
}

// flagOf returns the value of a flag among arguments.
func flagOf(args []string, flag string) string {
	if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// The nodes of a story are servers behind a balancer.
type storyNodes struct {
	*story
	data     string // the folder that the story names
	nodes    []*programtest.Server
	next     atomic.Int64
	balancer *httptest.Server
}

// startNodes starts the nodes of a story one after the other. The folder that the story names has the root key of a dev
// server and gets the events of all nodes, whose own folders are elsewhere.
func (s *story) startNodes(command string, flags []string) (storyServer, string, error) {
	n := &storyNodes{story: s, data: cmp.Or(flagOf(flags, "--data"), "data")}
	store, err := n.prepare()
	if err != nil {
		return nil, "", err
	}
	n.balancer = httptest.NewUnstartedServer(n.proxy())
	address := n.balancer.Listener.Addr().String()
	args := slices.Concat([]string{command}, flags, rootOfStory(command, n.data, flags),
		[]string{"--addr", "127.0.0.1:0", "--store", store})
	for i := range nodesOfStory {
		node, err := n.startNode(i, address, slices.Concat(args, []string{"--data", folderOfNode(n.data, i)}))
		if err != nil {
			n.End(os.Kill)
			return nil, "", err
		}
		n.nodes = append(n.nodes, node)
	}
	n.balancer.Start()
	return n, "http://" + address, n.collect()
}

// prepare makes the folders of the nodes, and returns the URL of their store.
func (n *storyNodes) prepare() (store string, err error) {
	if err := os.MkdirAll(filepath.Join(n.dir, n.data, "nodes"), 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(n.dir, n.data, storeName)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(partOf(n.store, rand.Text()))
		err = os.WriteFile(path, text, 0o600)
	}
	return string(text), err
}

// startNode starts a node. Its banner names the balancer, and the story sees the banner of the first node.
func (n *storyNodes) startNode(i int, balancer string, args []string) (*programtest.Server, error) {
	var banner bytes.Buffer // written at once, and nothing comes later
	s, err := n.startProcess(&banner, logOfNode(i), args...)
	if err != nil || i > 0 {
		return s, err
	}
	file, err := openLog(n.dir, "stdout")
	if err != nil {
		return s, err
	}
	_, err = file.WriteString(strings.ReplaceAll(banner.String(), strings.TrimPrefix(s.Endpoint, "http://"), balancer))
	return s, errors.Join(err, file.Close())
}

func logOfNode(i int) string { return fmt.Sprintf("stderr.%d", i) }

// proxy returns a handler that passes each request on to the next node. The answer leaves when the logs have been
// collected, because a story may look for the event.
func (n *storyNodes) proxy() http.Handler {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{DisableCompression: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			node := n.nodes[n.next.Add(1)%nodesOfStory]
			r.Out.URL.Scheme, r.Out.URL.Host = "http", strings.TrimPrefix(node.Endpoint, "http://")
			r.Out.Host = r.In.Host // the signature covers it
		},
		ModifyResponse: func(*http.Response) error { return n.collect() },
	}
}

// collect appends what the nodes have written to the files that a story reads: its log, in which the lines of the first
// node are last, and the audit log.
func (n *storyNodes) collect() error {
	var errs []error
	for i := range nodesOfStory {
		last := nodesOfStory - 1 - i
		errs = append(errs,
			n.copied.append(filepath.Join(n.dir, logFolder, "stderr"), filepath.Join(n.dir, logFolder, logOfNode(last))),
			n.copied.append(filepath.Join(n.dir, n.data, "audit.log"), filepath.Join(n.dir, folderOfNode(n.data, i), "audit.log")))
	}
	return errors.Join(errs...)
}

func (n *storyNodes) Signal(signal os.Signal) error {
	var errs []error
	for _, node := range n.nodes {
		errs = append(errs, node.Signal(signal))
	}
	return errors.Join(append(errs, n.collect())...)
}

func (n *storyNodes) End(signal os.Signal) error {
	n.balancer.Close()
	var errs []error
	for _, node := range n.nodes {
		errs = append(errs, node.End(signal))
	}
	return errors.Join(append(errs, n.collect())...)
}

// copied is how much of each file was appended to another one.
type copied struct {
	mu    sync.Mutex
	files map[string]copiedFile // by path
}

type copiedFile struct {
	info  os.FileInfo // of this file; a story may put another one in its place
	bytes int
}

// append appends the new whole lines of a file, which may not exist yet.
func (c *copied) append(to, from string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	text, readErr := os.ReadFile(from)
	if err := errors.Join(err, readErr); err != nil {
		return err
	}
	known := c.files[from]
	if known.info == nil || !os.SameFile(known.info, info) || len(text) < known.bytes { // a new file can have the old inode
		known = copiedFile{info: info}
	}
	text = text[known.bytes : bytes.LastIndexByte(text, '\n')+1]
	if len(text) == 0 {
		return nil
	}
	if c.files == nil {
		c.files = map[string]copiedFile{}
	}
	known.bytes += len(text)
	c.files[from] = known
	f, err := os.OpenFile(to, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// storiesOfOneProcess has the stories that run on one process only, and why.
var storiesOfOneProcess = parseAlone(`
11-retain-a-copy   restores a copy of the data folder, which has no copy of the shared store
access-key-use     shows the last use of an access key at once, which other nodes learn within an hour
audit              copies and edits the log of the data folder
audit-wire         asks a server for events, and each node answers from its own log
backup             restores a backup to a folder, which becomes the only server's
backup             restores to data folders, and reads the log of the data folder
data-folder        moves the root key of a folder, and starts a second server on the folder
expiry-warnings    waits for events in the log of the data folder, in which a story collects the logs of its nodes
explain-request    explains a past request, which only the log of the node that answered it has
explain-signature  explains refused signatures, which only the node that refused them remembers
fips               sets GODEBUG, which the nodes do not get
seal               copies a data folder, and moves its only server to another custody
golden-backup      restores to a data folder
recovery           writes to the log of the data folder, in which a story collects the logs of its nodes
root-credentials   writes to the log of the data folder, in which a story collects the logs of its nodes
serve              damages, copies and replaces files of the data folder
store-copy         copies a folder
verify             damages files of the data folder
`)

func parseAlone(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		name, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = strings.TrimSpace(reason)
	}
	delete(all, "")
	return all
}

// Each story starts no server, runs on nodes, or is in the table of those that do not, with a reason.
func TestStoriesOfOneProcess(t *testing.T) {
	for name, reason := range storiesOfOneProcess {
		text, err := os.ReadFile(filepath.Join(storyFolder, name+".txtar"))
		if err != nil || !startsServer.Match(text) || reason == "" {
			t.Errorf("%s is in the table, with the reason %q, and starts no server: %v", name, reason, err)
		}
	}
	if all, on := len(storyFiles(t)), len(storiesOnNodes(t)); on < all*3/4 {
		t.Errorf("%d of %d stories run on nodes", on, all)
	}
}

// startsServer finds the line with which a story starts a server.
var startsServer = regexp.MustCompile(`(?m)^server (start|serve)`)

func storyFiles(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(storyFolder, "*.txtar"))
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all
}

// storiesOnNodes returns the files of the stories that run on several nodes.
func storiesOnNodes(t *testing.T) (files []string) {
	t.Helper()
	for _, file := range storyFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if _, alone := storiesOfOneProcess[name]; !alone && startsServer.Match(text) {
			files = append(files, file)
		}
	}
	return files
}
