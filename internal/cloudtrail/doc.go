// Package cloudtrail writes events of audit logs in the form of the log files of AWS CloudTrail, for programs that read
// such files.
package cloudtrail
