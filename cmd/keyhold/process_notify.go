package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// A notifier sends the state of the server to the service manager, as sd_notify(3) describes. Without a service
// manager it does nothing, and errors are ignored, because the service manager notices a missing message.
type notifier struct{ socket string }

func newNotifier() notifier { return notifier{os.Getenv("NOTIFY_SOCKET")} }

func (n notifier) send(state string) {
	if n.socket == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"}) // a name with @ is abstract
	if err != nil {
		return
	}
	defer c.Close()
	c.Write([]byte(state))
}

func (n notifier) ready() { n.send("READY=1\nSTATUS=Serving") }

func (n notifier) stopping() { n.send("STOPPING=1\nSTATUS=Stopping") }

// reloading begins a reload, which ready ends. The time shows systemd that the reload began after its signal.
func (n notifier) reloading() {
	n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d\nSTATUS=Reloading", monotonic().Microseconds()))
}

// watchdog tells the service manager until the end of ctx that the process runs, twice in each period of
// WATCHDOG_USEC. It does not look at the store, because a restart does not help when the store is silent.
func (n notifier) watchdog(ctx context.Context) {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err != nil || usec <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return
	}
	for ctx.Err() == nil {
		n.send("WATCHDOG=1")
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(usec) * time.Microsecond / 2):
		}
	}
}
