// Package forward sends the lines of an audit log to a second device: a syslog server, a Unix socket, or an HTTPS
// server. It reads the log by index, so requests never wait for the device.
//
// Each line is sent at least once and in order. A receiver recognises a repeated line by its eventID.
package forward
