package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/keyhold/keyhold/internal/settings"
)

// configFlag is the flag that names the settings file.
const configFlag = "config"

// A configuration knows where the values of the flags of keyhold serve are from.
type configuration struct {
	flags *pflag.FlagSet
	rows  []settingRow
	file  settings.File     // without a name if there is no settings file
	named map[string]string // by flag: the flag, the variable or the key that has set it; not for defaults
}

// load gives the flags that are not on the command line their values from the environment or from the settings file:
// a flag takes precedence over the environment, and the environment over the file.
func load(flags *pflag.FlagSet, environment func(string) string) (configuration, error) {
	c := configuration{flags: flags, rows: settingRows(flags), named: map[string]string{}}
	var faults []error
	if path := cmp.Or(flags.Lookup(configFlag).Value.String(), environment("KEYHOLD_CONFIG")); path != "" {
		faults = c.read(path)
	}
	for _, r := range c.rows {
		flag, value := flags.Lookup(r.flag), environment(r.environment())
		set, inFile := c.file.Values[r.key]
		switch {
		case flag.Changed:
			c.named[r.flag] = "--" + r.flag
		case !r.setting():
		case value != "":
			c.named[r.flag] = r.environment()
			if err := flag.Value.Set(value); err != nil {
				faults = append(faults, usageError{fmt.Errorf("%s: %w: give a value as for --%s", r.environment(), err, r.flag)})
			}
		case inFile:
			c.named[r.flag] = r.key
			if err := setFlag(flag, set.Set); err != nil {
				faults = append(faults, usageError{c.faultAt(r.key, r.key+" is not valid", err.Error())})
			}
		}
	}
	return c, errors.Join(faults...)
}

// read parses the settings file, and returns its faults.
func (c *configuration) read(path string) (faults []error) {
	text, err := readSettings(path)
	if err != nil {
		return []error{usageError{err}}
	}
	var table []settings.Setting
	for _, r := range c.rows {
		if r.setting() {
			table = append(table, settings.Setting{Key: r.key, Kind: r.kind})
		}
	}
	file, wrong := settings.Parse(path, text, table)
	for _, f := range wrong {
		faults = append(faults, usageError{f})
	}
	c.file = file
	return faults
}

func readSettings(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the settings file: %w: give an existing file with --config", err)
	}
	if info.Size() > settings.MaxSize || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the settings file %s is not a file of at most 1 MiB: give another one with --config", path)
	}
	return os.ReadFile(path)
}

// faultAt returns a fault of the settings file at the line of a key.
func (c configuration) faultAt(key, cause, remedy string) settings.Fault {
	return settings.Fault{File: c.file.Name, Line: c.file.Where(key), Cause: cause, Remedy: remedy}
}

// values returns the values of all flags as text.
func (c configuration) values() map[string]string {
	all := map[string]string{}
	for _, r := range c.rows {
		all[r.flag] = c.flags.Lookup(r.flag).Value.String()
	}
	return all
}

// setFlag sets a flag to a value of a settings file.
func setFlag(flag *pflag.Flag, value any) error {
	switch v := value.(type) {
	case string:
		return flag.Value.Set(v)
	case int64:
		return flag.Value.Set(strconv.FormatInt(v, 10))
	case bool:
		return flag.Value.Set(strconv.FormatBool(v))
	case []string:
		return flag.Value.(pflag.SliceValue).Replace(v)
	case map[string]int:
		if len(v) == 0 {
			return nil
		}
		return flag.Value.Set(numberPairs(v))
	}
	return fmt.Errorf("a value of the type %T", value)
}

// numberPairs returns numbers in the form of a flag.
func numberPairs(numbers map[string]int) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		all = append(all, fmt.Sprintf("%s=%d", name, numbers[name]))
	}
	return strings.Join(all, ",")
}

var flagInError = regexp.MustCompile(`--[a-z][a-z0-9-]*`)

// locate names settings as the operator has written them: an error about --addr is about the key server.address in a
// line of the settings file, or about the variable KEYHOLD_ADDR.
func (c configuration) locate(err error) error {
	if err == nil {
		return nil
	}
	var located []error
	for _, one := range unjoin(err) {
		located = append(located, c.locateOne(one))
	}
	return errors.Join(located...)
}

func (c configuration) locateOne(err error) error {
	key, missing, elsewhere := "", "", false // settings in the file, and those that nothing has set
	text := flagInError.ReplaceAllStringFunc(err.Error(), func(word string) string {
		i := slices.IndexFunc(c.rows, func(r settingRow) bool { return "--"+r.flag == word })
		if i < 0 || !c.rows[i].setting() {
			return word
		}
		r := c.rows[i]
		switch name := c.named[r.flag]; {
		case name == r.key:
			key = cmp.Or(key, r.key)
			return r.key
		case name == "" && c.file.Name != "":
			missing = cmp.Or(missing, r.key)
			return r.key
		case name != "":
			elsewhere = true
			return name
		}
		return word
	})
	if c.file.Name == "" || key == "" && (missing == "" || elsewhere) {
		return withText(err, text)
	}
	return withText(err, fmt.Sprintf("%s:%d: %s", c.file.Name, c.file.Where(cmp.Or(key, missing)), text))
}

// withText returns an error with the text that is a usageError if err is one.
func withText(err error, text string) error {
	if text == err.Error() {
		return err
	}
	if _, usage := errors.AsType[usageError](err); usage {
		return usageError{errors.New(text)}
	}
	return errors.New(text)
}
