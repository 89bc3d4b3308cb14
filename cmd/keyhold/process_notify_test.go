package main

import (
	"context"
	"net"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// listenNotify listens as a service manager does, and returns the socket and the next message.
func listenNotify(t *testing.T) (socket string, next func() string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return socket, func() string {
		t.Helper()
		if err := l.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		message := make([]byte, 4096)
		n, err := l.Read(message)
		if err != nil {
			t.Fatal(err)
		}
		return string(message[:n])
	}
}

// The messages have the form of sd_notify(3).
func TestNotifier(t *testing.T) {
	socket, next := listenNotify(t)
	t.Setenv("NOTIFY_SOCKET", socket)
	n := newNotifier()
	for _, c := range []struct {
		send func()
		want string
	}{
		{n.ready, `^READY=1\nSTATUS=Serving$`},
		{n.reloading, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+\nSTATUS=Reloading$`},
		{n.stopping, `^STOPPING=1\nSTATUS=Stopping$`},
	} {
		c.send()
		if got := next(); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("got %q, want %s", got, c.want)
		}
	}
	notifier{}.ready() // without a service manager
	notifier{socket + "-missing"}.ready()
}

func TestWatchdog(t *testing.T) {
	socket, next := listenNotify(t)
	n := notifier{socket}
	run := func(usec, pid string) (end func()) {
		t.Setenv("WATCHDOG_USEC", usec)
		t.Setenv("WATCHDOG_PID", pid)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			n.watchdog(ctx)
		}()
		return func() {
			cancel()
			<-done
		}
	}
	for _, off := range [][2]string{{"", ""}, {"0", ""}, {"-1", ""}, {"soon", ""}, {"20000", "1"}} {
		run(off[0], off[1])()
	}
	n.ready()
	if got := next(); got != "READY=1\nSTATUS=Serving" { // and no message before it
		t.Errorf("got %q", got)
	}
	end := run("20000", "")
	for range 3 {
		if got := next(); got != "WATCHDOG=1" {
			t.Errorf("got %q", got)
		}
	}
	end()
}
