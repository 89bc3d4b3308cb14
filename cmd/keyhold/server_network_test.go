package main

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/keyhold/keyhold/internal/conns"
)

// The limit leaves file descriptors for the store and the log, even if the flag asks for more.
func TestConnectionLimit(t *testing.T) {
	for _, c := range []struct {
		asked, descriptors, want int
		usage                    bool
	}{
		{0, 200, 104, false},
		{0, 1 << 20, conns.DefaultMax, false},
		{100, 200, 100, false},
		{10000, 1 << 20, 10000, false},
		{105, 200, 0, true},
		{-1, 200, 0, true},
		{0, 111, 0, false},
		{0, 112, 16, false},
	} {
		got, err := networkOptions{maxConnections: c.asked}.limit(c.descriptors)
		_, usage := errors.AsType[usageError](err)
		if got != c.want || (err == nil) != (c.want > 0) || usage != c.usage {
			t.Errorf("%d asked, %d descriptors: %d, %v", c.asked, c.descriptors, got, err)
		}
	}
	if n, err := descriptors(); err != nil || n < 16 {
		t.Errorf("%d descriptors, %v", n, err)
	}
}

func TestNetworkFlags(t *testing.T) {
	c, h, err := networkOptions{
		proxies: []string{"10.0.0.0/8", "192.0.2.1"}, forwarders: []string{"2001:db8::/32", "::1"}, allowedHosts: []string{"KMS.example.org.", "2001:db8::1"},
	}.open(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.Proxies, c.Shared, h.Forwarders, h.Hosts), "[10.0.0.0/8 192.0.2.1/32] [2001:db8::/32 ::1/128] [2001:db8::/32 ::1/128] [kms.example.org 2001:db8::1]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, o := range []networkOptions{
		{proxies: []string{"10.0.0.1/8"}}, {proxies: []string{"balancer"}}, {forwarders: []string{""}}, {forwarders: []string{"10.0.0.0/33"}},
		{allowedHosts: []string{"https://kms.example.org"}}, {allowedHosts: []string{"kms.example.org:443"}}, {allowedHosts: []string{"*.example.org"}}, {allowedHosts: []string{""}},
	} {
		if _, _, err := o.open(slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%+v is accepted", o)
		} else if _, usage := errors.AsType[usageError](err); !usage {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
