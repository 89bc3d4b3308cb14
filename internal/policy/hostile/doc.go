// Package hostile makes policies that cost as much as policies can, and requests to decide
// by them, for tests and attacks. The server does not use it. A question is made of genes,
// which are numbers: a search changes a few genes and keeps the questions that cost more.
package hostile
