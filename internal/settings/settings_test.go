package settings

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

var table = []Setting{
	{"server.address", Text}, {"server.max_connections", Number}, {"server.allowed_hosts", Names},
	{"deployment.fips", Switch}, {"limits.rates", Numbers}, {"limits.pause", Duration},
}

func TestParse(t *testing.T) {
	for name, text := range map[string]string{
		"sections": "[server]\naddress = \"a\"\nmax_connections = 1_0\nallowed_hosts = ['x', \"y\"]\n" +
			"[deployment]\nfips = true\n[limits]\npause = \"3s\"\nrates = { b = 2, c = 0 }\n",
		"dotted keys": "server.address = \"a\"\nserver.max_connections = 0xA\nserver.allowed_hosts = [\n'x', # one\n'y']\n" +
			"deployment.fips = true\nlimits.pause = \"3s\"\nlimits.rates.b = 2\nlimits.rates.c = 0\n",
		"tables": "server = { address = \"a\", max_connections = 10, allowed_hosts = ['x', 'y'] }\n" +
			"deployment = { fips = true }\n[limits]\npause = \"3s\"\n[limits.rates]\nb = 2\n\"c\" = 0\n",
	} {
		file, faults := Parse("f", []byte(text), table)
		values := map[string]any{}
		for key, v := range file.Values {
			values[key] = v.Set
		}
		want := map[string]any{
			"server.address": "a", "server.max_connections": int64(10), "server.allowed_hosts": []string{"x", "y"},
			"deployment.fips": true, "limits.pause": "3s", "limits.rates": map[string]int{"b": 2, "c": 0},
		}
		if len(faults) > 0 || !reflect.DeepEqual(values, want) {
			t.Errorf("%s: %v, %v", name, values, faults)
		}
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"[server]\nadress = 1":               "2: server.adress is not a setting",
		"[sever]\naddress = 1":               "1: sever is not a setting",
		"address = 'a'":                      "1: address is not a setting",
		"[server]\n[server]":                 "2: server is there twice, first in line 1",
		"[server]\naddress='a'\naddress='b'": "3: server.address is there twice, first in line 2",
		"[server]\naddress='a'\n[server.x]":  "3: server.x is not a setting",
		"[server]\naddress=1\nmax_connections=''": "2: server.address has a value of a wrong type; " +
			"3: server.max_connections has a value of a wrong type",
		"[server]\naddress=1.5":                         "2: server.address has a value of a wrong type",
		"[server]\naddress=1979-05-27":                  "2: server.address has a value of a wrong type",
		"[server]\naddress={}":                          "2: server.address has a value of a wrong type",
		"[server]\nallowed_hosts='x'":                   "2: server.allowed_hosts has a value of a wrong type",
		"[server]\nallowed_hosts=['x', 1]":              "2: server.allowed_hosts has a value of a wrong type",
		"[server]\nmax_connections=9223372036854775808": "2: server.max_connections has a value of a wrong type",
		"[deployment]\nfips=1":                          "2: deployment.fips has a value of a wrong type",
		"[limits]\nrates=1":                             "2: limits.rates has a value of a wrong type",
		"[limits]\nrates={a='x'}":                       "2: limits.rates.a is not a name and a whole number of at most 2147483647",
		"[limits]\nrates={a=2147483648}":                "2: limits.rates.a is not a name and a whole number of at most 2147483647",
		"[limits]\nrates={'a=1,b'=1}":                   "2: limits.rates.a=1,b is not a name and a whole number of at most 2147483647",
		"[limits.rates]\na=1\na=2":                      "3: limits.rates.a is there twice, first in line 2",
		"[limits.rates]\na.b=1":                         "2: limits.rates.a.b is not a setting",
		"[[server]]\naddress='a'":                       "1: [[server]] is a list of tables, which no setting is",
		"[server.address]\nx=1":                         "1: server.address is not a table",
		"[\"server.address\"]":                          `1: "server.address" is not a setting`,
		"[server]\n'address' = 'a'\naddress = 'b'":      "3: server.address is there twice, first in line 2",
		"[limits]\nx = 1\n[server]\naddress = a\n":      "2: limits.x is not a setting; 4: ",
		"[server]\naddress = 'a":                        "2: ",
		"[server]\naddress = 'a' 'b'":                   "2: ",
		"[server]\nmax_connections = 010":               "2: ",
		"server = 1\n[server]\naddress = 'a'":           "1: server is not a setting; 2: server is there twice, first in line 1",
		"[server]\naddress = \"\xff\"":                  "2: ",
	} {
		_, faults := Parse("f", []byte(text), table)
		var got []string
		for _, f := range faults {
			got = append(got, fmt.Sprintf("%d: %s", f.Line, f.Cause))
			if f.File != "f" || f.Remedy == "" {
				t.Errorf("%q: %+v", text, f)
			}
		}
		if all := strings.Join(got, "; "); all != want && (!strings.HasSuffix(want, ": ") || !strings.HasPrefix(all, want)) {
			t.Errorf("%q:\n%q, want\n%q", text, all, want)
		}
	}
}

func TestNumberOfFaults(t *testing.T) {
	if _, faults := Parse("f", []byte(strings.Repeat("[x]\n", 100_000)), table); len(faults) != maxFaults {
		t.Error(len(faults))
	}
}

func TestRemediesOfFaults(t *testing.T) {
	for text, want := range map[string]string{
		"[server]\nadress = 1":   "the settings of [server] are address, allowed_hosts, max_connections",
		"[sever]":                "the sections are deployment, limits, server",
		"max-connections = 1":    "did you mean server.max_connections?",
		"[server]\naddress = 1":  `it is a string: write it in quotes, as "text"`,
		"[limits]\npause = 3":    `it is a duration: write it in quotes, as "30s", "5m" or "2h"`,
		"[server]\n[server]":     "remove line 1 or line 2",
		"[server]\naddress = 'x": "the file must be valid TOML 1.0, in which strings are in quotes",
	} {
		_, faults := Parse("f", []byte(text), table)
		if len(faults) == 0 || faults[0].Remedy != want {
			t.Errorf("%q: %v", text, faults)
		}
	}
}

func TestWhere(t *testing.T) {
	file, _ := Parse("f", []byte("\n[server]\n\naddress = 'a'\n"), table)
	for key, want := range map[string]int{"server.address": 4, "server.max_connections": 2, "limits.rates": 1} {
		if got := file.Where(key); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
}
