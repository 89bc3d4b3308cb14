// Package admit limits rates and orders access to scarce resources.
//
// [Buckets] limit the rate of callers with a token bucket for each name. A [Queue] shares a few places for
// expensive work fairly between names, and [Queues] do so for each of many things. All tables have a maximum
// size. [Newest] bounds the connections of a listener. [Pauses] lets a few goroutines sleep precisely; it alone
// reads a clock, elsewhere time is an argument. The package knows neither requests nor the errors of the API.
package admit
