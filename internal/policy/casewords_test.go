package policy_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// Defaults of a case.
const (
	ours   = "111122223333"
	region = "us-west-2"
	keyID  = "1234abcd-12ab-34cd-56ef-1234567890ab"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// The outcomes of a case.
const (
	allow        = "allow"
	deny         = "deny"
	explicitDeny = "explicit deny"
)

// A decisionCase is one line of a page.
type decisionCase struct {
	name    string // file and line number
	text    string // text of the line
	want    string
	request policy.Request
	grants  []key.Grant

	resource, boundary document
	identity, session  []document
}

// add adds a value of a condition key.
func (v values) add(name, value string) {
	name = strings.ToLower(name)
	v[name] = append(v[name], value)
}

var (
	wordForm        = regexp.MustCompile(`(?:[^\s"]|"[^"]*")+`)
	settingForm     = regexp.MustCompile(`^(<[a-z]+>) = (.*)$`)
	placeholderForm = regexp.MustCompile(`<[a-z]+>`)
)

// readCases reads the section with the cases, which starts in the given line. The words of a line that begins
// with "given" apply to all cases after it. A line that begins with "<word> =" defines a word that documents
// use.
func (p *page) readCases(text string, line int) error {
	var given []string
	settings := map[string]string{}
	for l := range strings.Lines(text) {
		l, _, _ = strings.Cut(strings.TrimSpace(l), " #")
		words := wordForm.FindAllString(l, -1)
		switch setting := settingForm.FindStringSubmatch(l); {
		case len(words) == 0 || strings.HasPrefix(l, "#"):
		case setting != nil:
			settings[setting[1]] = setting[2]
		case words[0] == "given":
			given = words[1:]
		default:
			c, err := p.readCase(words, given, settings)
			if err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			c.name, c.text = fmt.Sprintf("%s:%d", p.name, line), strings.Join(words, " ")
			p.cases = append(p.cases, c)
		}
		line++
	}
	return nil
}

// readCase parses a case: its outcome, principal, action and resource, followed by documents and values in any
// order.
func (p *page) readCase(words, given []string, settings map[string]string) (c decisionCase, err error) {
	c.want = words[0]
	if words[0] == "explicit" {
		c.want = strings.Join(words[:min(2, len(words))], " ")
		words = words[1:]
	}
	if len(words) < 4 || !slices.Contains([]string{allow, deny, explicitDeny}, c.want) {
		return c, fmt.Errorf("no case: %s", words)
	}
	who, err := principal(words[1])
	if err != nil {
		return c, err
	}
	c.request = request(who, words[2], words[3])
	for _, word := range slices.Concat(given, words[4:]) {
		if err := p.apply(&c, strings.ReplaceAll(word, `"`, ""), settings); err != nil {
			return c, err
		}
	}
	return c, nil
}

// request returns the request with the values that every request has according to the documentation, but
// without the values of the case.
func request(who policy.Principal, action, resource string) policy.Request {
	v := values{}
	r := policy.Request{Principal: who, Action: action, Resource: arn(resource), Time: noon, Values: v, HasContext: hasContext(action)}
	r.Owner = owner(r.Resource, who)
	if who.Kind == policy.WebIdentity {
		return r
	}
	v.add("aws:PrincipalAccount", who.Account)
	v.add("aws:PrincipalArn", cmp.Or(who.RoleARN, who.ARN))
	v.add("aws:PrincipalType", string(who.Kind))
	if who.Kind == policy.User {
		v.add("aws:username", who.ARN[strings.LastIndex(who.ARN, "/")+1:])
	}
	if strings.Contains(r.Resource, ":key/") {
		v.add("kms:CallerAccount", who.Account)
	}
	return r
}

// hasContext reports whether the operation has an encryption context on a symmetric key.
func hasContext(action string) bool {
	return regexp.MustCompile(`^kms:(Encrypt|Decrypt|GenerateDataKey|ReEncrypt)`).MatchString(action)
}

// apply applies a word to the case.
func (p *page) apply(c *decisionCase, word string, settings map[string]string) error {
	kind, rest, _ := strings.Cut(word, ":")
	switch name, value, isValue := strings.Cut(word, "="); {
	case kind == "context":
		return c.addContext(rest)
	case name == "aws:CurrentTime":
		at, err := time.Parse(time.RFC3339, value)
		c.request.Time = at
		return err
	case isValue:
		c.request.Values.(values).add(name, value)
		return nil
	case kind == "grant" || kind == "child":
		return p.applyGrant(c, kind, rest)
	}
	return p.applyDocument(c, kind, rest, settings)
}

// addContext adds a pair to the encryption context and to the corresponding condition keys.
func (c *decisionCase) addContext(pair string) error {
	name, value, ok := strings.Cut(pair, "=")
	if !ok || !c.request.HasContext {
		return fmt.Errorf("no encryption context: %s", pair)
	}
	if c.request.EncryptionContext == nil {
		c.request.EncryptionContext = map[string]string{}
	}
	c.request.EncryptionContext[name] = value
	v := c.request.Values.(values)
	v.add("kms:EncryptionContext:"+name, value)
	v.add("kms:EncryptionContextKeys", name)
	return nil
}

func (p *page) applyGrant(c *decisionCase, kind, name string) error {
	g, ok := p.grants[name]
	switch {
	case !ok:
		return fmt.Errorf("no grant %s", name)
	case kind == "child":
		c.request.Child = &g
	default:
		c.grants = append(c.grants, g)
	}
	return nil
}

func (p *page) applyDocument(c *decisionCase, kind, name string, settings map[string]string) error {
	source := kind
	if kind == "identity" || kind == "boundary" || kind == "session" {
		source = "iam"
	}
	d, ok := p.documents[source+":"+name]
	if !ok {
		return fmt.Errorf("no document %s:%s", source, name)
	}
	for word, text := range settings {
		d.text = strings.ReplaceAll(d.text, word, text)
	}
	if word := placeholderForm.FindString(d.text); word != "" {
		return fmt.Errorf("%s does not stand for anything", word)
	}
	switch {
	case kind == "identity":
		c.identity = append(c.identity, d)
	case kind == "session":
		c.session = append(c.session, d)
	case kind == "boundary":
		c.boundary = d
	case c.request.Resource == "*":
		return fmt.Errorf("a request about no resource, with the policy of a resource")
	default:
		c.resource = d
	}
	return nil
}
