// Package webidentity verifies the tokens of OIDC providers, such as those of
// Kubernetes service accounts: who issued them, for whom, about whom, and until
// when.
//
// It finds the keys of a provider by OpenID Connect Discovery over HTTPS, and asks
// for them seldom, whoever sends it tokens. It knows nobody's roles, and decides
// nothing about what somebody may do.
package webidentity
