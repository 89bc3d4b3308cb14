package policy

// A draftStatement is a statement as it is written.
type draftStatement struct {
	r      *reader
	kind   Type
	place  place
	sid    word
	effect string

	principal, action, resource          bool // whether the element is present
	notPrincipal, notAction, notResource bool // whether it is present in its negated form
	principals                           draftPrincipals
	actions, resources                   []word
	conditions                           []draftCondition
}

// A draftCondition is a condition as it is written.
type draftCondition struct {
	operator, key string
	values        []string
}

// member reads a member of the statement.
func (s *draftStatement) member(name word) (err error) {
	switch name.text {
	case "Sid":
		return s.readSid()
	case "Effect":
		return s.readEffect()
	case "Principal", "NotPrincipal":
		// "AWS JSON policy elements: NotPrincipal": "You cannot use the NotPrincipal
		// element in an IAM identity-based policy nor in an IAM role trust policy."
		allowed := s.kind == KeyPolicy || s.kind == TrustPolicy && name.text == "Principal"
		if err := s.once(name, &s.principal, &s.notPrincipal, allowed); err != nil {
			return err
		}
		return s.readPrincipals(name.text)
	case "Action", "NotAction":
		if err := s.once(name, &s.action, &s.notAction, true); err != nil {
			return err
		}
		return s.readActions(name.text)
	case "Resource", "NotResource":
		if err := s.once(name, &s.resource, &s.notResource, s.kind != TrustPolicy); err != nil {
			return err
		}
		s.resources, err = s.r.words(name.text)
		return err
	case "Condition":
		return s.r.object("Condition", s.readOperator)
	}
	return s.r.fail(name.at, "a statement has no %q", name.text)
}

// once records an element that a statement can have in one of two forms. It fails if the element is not allowed
// or is present already.
func (s *draftStatement) once(name word, seen, not *bool, allowed bool) error {
	switch {
	case !allowed:
		return s.r.fail(name.at, "a statement of this type of policy has no %s", name.text)
	case *seen:
		return s.r.fail(name.at, "%s and its negation cannot both be present", name.text)
	}
	*seen, *not = true, name.text[0] == 'N'
	return nil
}

// readSid reads the ID of a statement. In identity-based policies, it consists of letters and digits. Source:
// "IAM JSON policy elements: Sid".
func (s *draftStatement) readSid() (err error) {
	s.sid, err = s.r.word("Sid")
	if err == nil && s.kind == IdentityPolicy && !consists(s.sid.text, "") {
		err = s.r.fail(s.sid.at, "Sid must consist of letters and digits")
	}
	return err
}

func (s *draftStatement) readEffect() error {
	effect, err := s.r.word("Effect")
	if err == nil && effect.text != "Allow" && effect.text != "Deny" {
		err = s.r.fail(effect.at, "Effect is neither Allow nor Deny")
	}
	s.effect = effect.text
	return err
}

// readActions reads actions: a service, a colon and a name, or * for all.
func (s *draftStatement) readActions(what string) (err error) {
	if s.actions, err = s.r.words(what); err != nil {
		return err
	}
	for _, a := range s.actions {
		if !isAction(a.text) {
			return s.r.fail(a.at, "%q is not an action", a.text)
		}
	}
	return nil
}

// check returns an error if the statement lacks a required element.
func (s *draftStatement) check() error {
	switch {
	case s.effect == "":
		return s.r.fail(s.place.at, "the statement has no Effect")
	case !s.principal && s.kind != IdentityPolicy:
		return s.r.fail(s.place.at, "the statement has no Principal")
	case s.notPrincipal && s.effect == "Allow":
		// "Using it with "Effect":"Allow" is not supported."
		return s.r.fail(s.place.at, "NotPrincipal cannot be used with Allow")
	case !s.action && s.kind != KeyPolicy:
		return s.r.fail(s.place.at, "the statement has no Action")
	case !s.resource && s.kind == IdentityPolicy:
		return s.r.fail(s.place.at, "the statement has no Resource")
	}
	return nil
}
