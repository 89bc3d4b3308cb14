// Package hostile makes policies that cost as much as policies can, and requests to hold
// them against, for tests and attacks: it is no part of the server. A question is made of
// genes, which are numbers, so that a search can change a few of them and keep what costs
// more.
package hostile
