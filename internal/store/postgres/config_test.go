package postgres

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"postgres://a:1,b/d?user=u", "[a:1 b:5432] d u tls=true"},
		{"postgresql://127.0.0.1/d?user=u", "[127.0.0.1:5432] d u tls=false"},
		{"postgres://localhost:1,[::1]/d?user=u", "[localhost:1 [::1]:5432] d u tls=false"},
		{"postgres://localhost,a/d?user=u", "[localhost:5432 a:5432] d u tls=true"},
		{"postgres:///d?user=u&host=/run/postgresql", "[/run/postgresql:5432] d u tls=false"},
		{"postgres:///d?user=u&host=/run/postgresql&port=6432", "[/run/postgresql:6432] d u tls=false"},
		{"postgres://a/d?user=u&tls=off", "[a:5432] d u tls=false"},
		{"postgres://localhost/d?user=u&ca=x%20y.pem", "[localhost:5432] d u tls=true ca=x y.pem"},
		{"postgres://a/d?user=u&cert=c&key=k", "[a:5432] d u tls=true cert=c key=k"},
		{"postgres://a/d?user=u&passwordFile=f&schema=s", "[a:5432] d u tls=true file=f schema=s"},
		{"postgres://a/d?user=u&passwordEnv=E&timeout=2s&connections=4", "[a:5432] d u tls=true env=E timeout=2s connections=4"},
	} {
		c, err := ParseURL(test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		got := fmt.Sprint(c.Hosts, " ", c.Database, " ", c.User, " tls=", c.TLS)
		for _, part := range []struct{ name, value string }{{"ca", c.CAFile}, {"cert", c.CertFile}, {"key", c.KeyFile},
			{"file", c.PasswordFile}, {"env", c.PasswordEnv}, {"schema", c.Schema}} {
			if part.value != "" {
				got += " " + part.name + "=" + part.value
			}
		}
		if c.Timeout != 0 {
			got += fmt.Sprint(" timeout=", c.Timeout)
		}
		if c.Connections != 0 {
			got += fmt.Sprint(" connections=", c.Connections)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.url, got, test.want)
		}
	}
}

// Errors name the remedy, and never repeat a password that was put into the URL by mistake.
func TestBadURLs(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"http://a/d", "begins with postgres://"},
		{"postgres://", "each host"},
		{"postgres:///d?user=u", "each host"},
		{"postgres:///d?user=u&host=a", "the folder of a socket"},
		{"postgres:///d?user=u&host=/a:1", "the folder of a socket"},
		{"postgres:///d?user=u&host=/a&port=x", "each host"},
		{"postgres:///d?user=u&host=/a&port=0", "each host"},
		{"postgres:///d?user=u&host=/a&host=/b", "one value for host"},
		{"postgres:///d?user=u&host=/a&tls=on", "does not speak TLS there"},
		{"postgres:///d?user=u&host=/a&ca=x", "cannot be used with tls=off"},
		{"postgres:///d?host=/a", "needs the parameter user"},
		{"postgres://a/d?user=u&host=/a", "unknown parameter"},
		{"postgres://a/d?user=u&port=1", "unknown parameter"},
		{"postgres://a,/d?user=u", "each host"},
		{"postgres://a:x/d?user=u", "each host"},
		{"postgres://a:0/d?user=u", "each host"},
		{"postgres://a:65536/d?user=u", "each host"},
		{"postgres://a?user=u", "names a database"},
		{"postgres://a/d/e?user=u", "names a database"},
		{"postgres://a/d%20?user=u", "names a database"},
		{"postgres://a/d", "needs the parameter user"},
		{"postgres://u:hunter2@a/d", "passwordFile or passwordEnv"},
		{"postgres://a/d?user=u&password=hunter2", "unknown parameter; there are ca, cert, connections, key, passwordEnv, " +
			"passwordFile, schema, timeout, tls and user"},
		{"postgres://a/d?ca=%zz&x=hunter2", "cannot be parsed"},
		{"postgres://a/d?user=u&passwordFile=f&passwordEnv=E", "not from both"},
		{"postgres://a/d?user=u&user=v", "one value for user"},
		{"postgres://a/d?user=u&tls=require", "is on or off"},
		{"postgres://a/d?user=u&tls=off&ca=x", "cannot be used with tls=off"},
		{"postgres://a/d?user=u&cert=x", "cert and key of the store need each other"},
		{"postgres://a/d?user=u&timeout=0", "such as 5s"},
		{"postgres://a/d?user=u&connections=1", "from 2 to 1000"},
		{"postgres://a/d?user=u&connections=x", "from 2 to 1000"},
		{"postgres://a/d?user=u&schema=1", "the schema of the store"},
		{"postgres://a/d?user=u&schema=" + strings.Repeat("s", 64), "the schema of the store"},
		{"postgres://a/d?user=u#f", "%23"},
	} {
		_, err := ParseURL(test.url)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", test.url, err, test.want)
		}
	}
}
