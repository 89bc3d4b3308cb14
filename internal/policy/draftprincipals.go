package policy

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keyhold/keyhold/internal/key"
)

// draftPrincipals are principals as they are written. The ARNs of account roots become accounts.
type draftPrincipals struct {
	everyone                    bool
	accounts, arns              []string
	federated, services, others []string
}

// readPrincipals reads a * or an object with lists of principals by kind. Source: "AWS JSON policy elements:
// Principal".
func (s *draftStatement) readPrincipals(what string) error {
	if s.r.decoder.PeekKind() != jsontext.KindString {
		at := s.r.at()
		kinds := 0
		err := s.r.object(what, func(kind word) error {
			kinds++
			return s.readKind(kind)
		})
		if err == nil && kinds == 0 {
			err = s.r.fail(at, "%s names no principal", what)
		}
		return err
	}
	all, err := s.r.word(what)
	if err == nil && all.text != "*" {
		err = s.r.fail(all.at, "%s is neither * nor an object", what)
	}
	s.principals.everyone = true
	return err
}

// readKind reads the principals of one kind.
func (s *draftStatement) readKind(kind word) error {
	add, ok := map[string]func(string) bool{
		"AWS":           s.principals.addAWS,
		"Federated":     s.principals.addFederated,
		"Service":       s.principals.addService,
		"CanonicalUser": s.principals.addCanonical,
	}[kind.text]
	if !ok {
		return s.r.fail(kind.at, "unknown kind of principal %q", kind.text)
	}
	names, err := s.r.words(kind.text)
	if err != nil {
		return err
	}
	for _, n := range names {
		if !add(n.text) {
			return s.r.fail(n.at, "%q is not a principal of the kind %s", n.text, kind.text)
		}
	}
	return nil
}

func (p *draftPrincipals) addAWS(name string) bool {
	switch {
	case name == "*":
		p.everyone = true
	case isAccount(name):
		p.accounts = append(p.accounts, name)
	case key.CheckPrincipal(name) != nil:
		return false
	case strings.HasSuffix(name, rootSuffix):
		p.accounts = append(p.accounts, key.Principal(name).Account())
	default:
		p.arns = append(p.arns, name)
	}
	return true
}

// addFederated adds an identity provider of an account, or the domain of a public provider. It reports whether
// the name has this form.
func (p *draftPrincipals) addFederated(name string) bool {
	p.federated = append(p.federated, name)
	if rest, ok := strings.CutPrefix(name, rootPrefix); ok {
		account, provider, _ := strings.Cut(rest, ":")
		kind, id, _ := strings.Cut(provider, "/")
		return isAccount(account) && (kind == "oidc-provider" || kind == "saml-provider") && id != "" &&
			consists(id, "-._/:%~+=@")
	}
	return strings.Contains(name, ".") && consists(name, "-.")
}

func (p *draftPrincipals) addService(name string) bool {
	p.services = append(p.services, name)
	return key.CheckService(name) == nil
}

func (p *draftPrincipals) addCanonical(name string) bool {
	p.others = append(p.others, name)
	return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == ""
}

func isAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

// isAction reports whether s is a valid pattern of actions. Source: "IAM JSON policy elements: Action".
func isAction(s string) bool {
	service, name, _ := strings.Cut(s, ":")
	return s == "*" || service != "" && name != "" && consists(service, "-*?") && consists(name, "-_*?")
}

// consists reports whether s has only letters, digits and the characters in others.
func consists(s, others string) bool {
	for _, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune(others, c) {
			return false
		}
	}
	return true
}
