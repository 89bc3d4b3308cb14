package forward

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// priority is facility 13, log audit, and severity 6, informational (RFC 5424, section 6.2.1).
const priority = 13*8 + 6

// maxHost is the longest HOSTNAME (RFC 5424, section 6.2.4).
const maxHost = 255

// syslogFrame returns a function that appends a line as a message of RFC 5424, with its length before it (octet
// counting: RFC 6587, section 3.4.1, and RFC 5425, section 4.3).
func syslogFrame(host string) func(b, line []byte) []byte {
	head := fmt.Sprintf(" %s keyhold %d audit - ", hostName(host), os.Getpid())
	return func(b, line []byte) []byte {
		begin := fmt.Sprintf("<%d>1 %s%s", priority, timeOf(line), head)
		b = strconv.AppendInt(b, int64(len(begin)+len(line)), 10)
		b = append(b, ' ')
		b = append(b, begin...)
		return append(b, line...)
	}
}

// hostName returns a HOSTNAME of printable ASCII.
func hostName(host string) string {
	host = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, host)
	if host == "" {
		return "-"
	}
	return host[:min(len(host), maxHost)]
}

var eventTime = []byte(`"eventTime":"`)

// timeOf returns the time of an event, which the server writes as RFC 5424 needs it, or "-". Nothing before the time in
// a line is text of a client that could contain the name of the member: JSON escapes its quotation marks.
func timeOf(line []byte) string {
	_, rest, _ := bytes.Cut(line, eventTime)
	text, _, _ := bytes.Cut(rest[:min(len(rest), 64)], []byte(`"`))
	if _, err := time.Parse(time.RFC3339, string(text)); err != nil {
		return "-"
	}
	return string(text)
}
