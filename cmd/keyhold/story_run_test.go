package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyhold/keyhold/mutants/mut"
)

// TestMain makes the test binary the program, so that a story can run it as keyhold. Parallel tests mostly wait for
// processes, so more of them run than there are processors, unless -parallel says otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"keyhold": mainOfStory})
}

// TestStories runs the stories of testdata with the real program, each in its own folder. OpenSSL
// wraps key material, and Python opens ciphertexts of the server.
func TestStories(t *testing.T) {
	var started atomic.Int32
	t.Cleanup(func() { t.Attr("ran", fmt.Sprintf("%d stories", started.Load())) })
	p := storyParams(func(env *testscript.Env) error {
		started.Add(1)
		return newStory(env)
	})
	p.Dir, p.RequireUniqueNames = storyFolder, true
	testscript.Run(t, p)
}

// storyFolder has the stories.
const storyFolder = "../../testdata"

// storyParams returns how stories run, without their place.
func storyParams(setup func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		RequireExplicitExec: true,
		Setup:               setup,
		Cmds:                commandsOfStories(),
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return os.Geteuid() == 0, nil
		},
	}
}

// A story is the state of one file of testdata while it runs.
type story struct {
	dir     string // its work folder
	server  storyServer
	store   string // URL of the store that its nodes share; empty if a process has the store
	copied  copied // of the logs of its nodes
	answer  []byte // the body of the last answer
	godebug string // the variable GODEBUG of the server
}

type storyKey struct{}

// These folders are in the work folder from the beginning.
const (
	ownFolder = "own" // what the owner of the key material keeps; scan leaves it out
	logFolder = "log" // all output and responses of the program
)

func newStory(env *testscript.Env) error {
	s := &story{dir: env.WorkDir}
	env.Values[storyKey{}] = s
	env.Defer(func() {
		if s.server != nil {
			_ = s.server.End(syscall.SIGKILL) // reports that it was killed
		}
	})
	examples, err := filepath.Abs(filepath.Join("..", "..", "examples"))
	if err != nil {
		return err
	}
	env.Setenv("PYTHON", cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3"))
	env.Setenv("EXAMPLES", examples)
	env.Setenv(mut.Variable, os.Getenv(mut.Variable)) // if command mutants runs the story, its programs are changed too
	for _, folder := range []string{ownFolder, logFolder} {
		if err := os.MkdirAll(filepath.Join(s.dir, folder), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// A step is one line of a story.
type step struct {
	*story
	*testscript.TestScript
	neg  bool // the line begins with "!"
	args []string
}

// A storyCommand is a word that begins a line, besides the commands of testscript.
type storyCommand struct {
	usage   string
	least   int  // the least number of arguments
	refused bool // the line may begin with "!"
	run     func(step)
}

func commandsOfStories() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]func(*testscript.TestScript, bool, []string){}
	for name, c := range map[string]storyCommand{
		"server":      {"start [FLAG...] | serve [FLAG...] | stop | hangup | kill", 1, false, step.runServer},
		"credentials": {"", 0, false, step.credentials},
		"kms":         {"OPERATION [MEMBER=TEXT | MEMBER=@FILE | MEMBER:=JSON]... | OPERATION @BODY", 1, true, step.kms},
		"sts":         {"ACTION [PARAMETER=VALUE]...", 1, true, step.sts},
		"repeat":      {"COUNT kms OPERATION [MEMBER=TEXT]...", 3, false, step.repeat},
		"save":        {"VARIABLE MEMBER", 2, false, step.save},
		"saveblob":    {"FILE MEMBER", 2, false, step.saveBlob},
		"wrap":        {"sha1|sha256 PUBLIC_KEY FILE WRAPPED_FILE", 4, false, step.wrap},
		"import":      {"KEY_ID FILE [MEMBER=VALUE]...", 2, true, step.importMaterial},
		"flip":        {"FILE OFFSET", 2, false, step.flip},
		"advance":     {"DURATION", 1, false, step.advance},
		"now":         {"VARIABLE [+DURATION | -DURATION]", 1, false, step.now},
		"scan":        {"FILE...", 1, true, step.scan},
	} {
		all[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if len(args) < c.least || neg && !c.refused {
				ts.Fatalf("usage: %s %s", name, c.usage)
			}
			c.run(step{ts.Value(storyKey{}).(*story), ts, neg, args})
		}
	}
	return all
}
