package etcd

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"etcd://a:2379,b:2379/p", "[a:2379 b:2379] p tls=true"},
		{"etcd://127.0.0.1:2379", "[127.0.0.1:2379]  tls=false"},
		{"etcd://localhost:1,[::1]:2/p/q", "[localhost:1 [::1]:2] p/q tls=false"},
		{"etcd://localhost:1,a:2/p", "[localhost:1 a:2] p tls=true"},
		{"etcd://a:1/p?tls=off", "[a:1] p tls=false"},
		{"etcd://localhost:1/p?tls=on", "[localhost:1] p tls=true"},
		{"etcd://localhost:1/p?ca=x%20y.pem", "[localhost:1] p tls=true ca=x y.pem"},
		{"etcd://a:1/p?cert=c&key=k", "[a:1] p tls=true cert=c key=k"},
		{"etcd://a:1/p?user=u&passwordFile=f", "[a:1] p tls=true user=u file=f"},
		{"etcd://a:1/p?user=u&passwordEnv=E&timeout=2s", "[a:1] p tls=true user=u env=E timeout=2s"},
		{"etcd://a:1/p?compaction=off&cluster=cafe", "[a:1] p tls=true cluster=cafe keep=-1ns"},
	} {
		c, err := ParseURL(test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		got := fmt.Sprint(c.Endpoints, " ", c.Prefix, " tls=", c.TLS)
		for _, part := range []struct{ name, value string }{{"ca", c.CAFile}, {"cert", c.CertFile}, {"key", c.KeyFile},
			{"user", c.User}, {"file", c.PasswordFile}, {"env", c.PasswordEnv}, {"cluster", c.Cluster}} {
			if part.value != "" {
				got += " " + part.name + "=" + part.value
			}
		}
		if c.Timeout != 0 {
			got += fmt.Sprint(" timeout=", c.Timeout)
		}
		if c.Keep != 0 {
			got += fmt.Sprint(" keep=", c.Keep)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.url, got, test.want)
		}
	}
}

// Errors name the remedy, and never repeat a password that was put into the URL by mistake.
func TestBadURLs(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"http://a:1/p", "begins with etcd://"},
		{"etcd://", "needs a port"},
		{"etcd://a/p", "needs a port"},
		{"etcd://a:1,/p", "needs a port"},
		{"etcd://u:hunter2@a:1/p", "passwordFile or passwordEnv"},
		{"etcd://a:1/p?password=hunter2", "unknown parameter"},
		{"etcd://a:1/p?hunter2", "unknown parameter"},
		{"etcd://a:1/p?ca=%zz&x=hunter2", "cannot be parsed"},
		{"etcd://a:1/p?user=u", "user and one of passwordFile and passwordEnv together"},
		{"etcd://a:1/p?passwordFile=f", "user and one of passwordFile and passwordEnv together"},
		{"etcd://a:1/p?user=u&passwordFile=f&passwordEnv=E", "not from both"},
		{"etcd://a:1/p?ca=", "one value for ca"},
		{"etcd://a:1/p?ca=a&ca=b", "one value for ca"},
		{"etcd://a:1/p?tls=maybe", "is on or off"},
		{"etcd://a:1/p?tls=off&ca=x", "cannot be used with tls=off"},
		{"etcd://a:1/p?cert=x", "cert and key of the store need each other"},
		{"etcd://a:1/p?timeout=0", "such as 5s"},
		{"etcd://a:1/p?compaction=1h", "is on or off"},
		{"etcd://a:1/p#f", "%23"},
		{"etcd://a:1//p", "no empty part"},
		{"etcd://a:1/p/", "no empty part"},
		{"etcd://a:1/p\x00", "no empty part"},
		{"etcd://a:1/" + strings.Repeat("p", maxPrefix+1), "at most 256"},
	} {
		_, err := ParseURL(test.url)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", test.url, err, test.want)
		}
	}
}
