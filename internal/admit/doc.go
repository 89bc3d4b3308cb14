// Package admit decides who may go on, and in which order.
//
// [Buckets] hold callers to a rate: a token bucket for each name. A [Queue] shares
// a few places for expensive work fairly between names, and [Queues] do so for
// each of many things. All tables have bounds. The package reads no clock: time
// is an argument. It knows no requests and no errors of the API.
package admit
