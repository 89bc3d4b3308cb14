// Package witness is a witness of logs (c2sp.org/tlog-witness): it cosigns a checkpoint of a log only if the log still
// has all lines of every checkpoint that the witness cosigned before.
//
// A witness keeps the newest checkpoint of each log in a folder, and knows the logs from a list. It reads no lines of
// a log, and does not know what a log is for.
package witness
