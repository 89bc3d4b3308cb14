// Package hostile generates policies that are as expensive as possible, and requests to decide by them, for
// tests and attacks. The server does not use it. Numbers, called genes, determine a question: a search changes
// a few genes and keeps the questions that cost more.
package hostile
