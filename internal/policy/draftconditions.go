package policy

import "github.com/go-json-experiment/json/jsontext"

// readOperator reads the conditions with an operator.
func (s *draftStatement) readOperator(operator word) error {
	return s.r.object(operator.text, func(key word) error {
		values, err := s.readValues(key.text)
		s.conditions = append(s.conditions, draftCondition{operator.text, key.text, values})
		return err
	})
}

// readValues reads the values of a condition: strings, numbers and Booleans. Numbers and Booleans are kept as
// strings.
func (s *draftStatement) readValues(key string) (values []string, err error) {
	err = s.r.list(key, func() error {
		at := s.r.at()
		t, err := s.r.token()
		if err != nil {
			return err
		}
		switch t.Kind() {
		case jsontext.KindString, jsontext.KindNumber, jsontext.KindTrue, jsontext.KindFalse:
			values = append(values, t.String())
			return nil
		}
		return s.r.fail(at, "a value of %s is not a string, a number or a Boolean", key)
	})
	return values, err
}
