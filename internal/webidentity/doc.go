// Package webidentity verifies the tokens of OIDC providers, such as tokens of Kubernetes service accounts: issuer,
// audience, subject and expiry.
//
// It finds the keys of a provider by OpenID Connect Discovery over HTTPS, and limits how often it asks a provider, no
// matter how many tokens it gets. It knows no roles and makes no access decisions.
package webidentity
