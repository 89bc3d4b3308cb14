// Package journal carries the event of every change from the store to the audit log.
//
// An event is committed with its change, under outbox/, and is removed when the audit log
// has it on disk. Package journal composes no event, and it carries only the events of
// changes: the gate writes all other events to the audit log itself.
package journal
