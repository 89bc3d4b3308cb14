package kmstest_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/kmstest"
)

// A server with TLS under a given name, for a program that requires TLS and that name.
func TestTLS(t *testing.T) {
	const name = "kms.us-east-1.amazonaws.com"
	s := kmstest.Start(t, kmstest.TLS(name))
	if _, err := s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{}); err != nil {
		t.Error(err)
	}
	pem, err := os.ReadFile(s.AuthorityFile)
	if err != nil || !strings.HasPrefix(string(pem), "-----BEGIN CERTIFICATE-----\n") || strings.Contains(string(pem), "PRIVATE") {
		t.Errorf("%s, %v", pem, err)
	}
	addr := strings.TrimPrefix(s.Endpoint, "https://")
	for server, ok := range map[string]bool{name: true, "localhost": true, "127.0.0.1": true, "::1": true, "kms.us-west-2.amazonaws.com": false} {
		c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: s.Authorities, ServerName: server})
		if (err == nil) != ok {
			t.Errorf("%s: %v", server, err)
		}
		if err == nil {
			c.Close()
		}
	}
	other := kmstest.Start(t, kmstest.TLS())
	if _, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: other.Authorities, ServerName: "localhost"}); err == nil {
		t.Error("the authority of one server vouches for another")
	}
	if answer, err := http.Get("http://" + addr); err == nil {
		answer.Body.Close()
		t.Error("the server speaks plain HTTP too")
	}
	if plain := kmstest.Start(t); plain.AuthorityFile != "" || plain.Authorities != nil || !strings.HasPrefix(plain.Endpoint, "http://") {
		t.Errorf("a server without TLS: %+v", plain)
	}
}
