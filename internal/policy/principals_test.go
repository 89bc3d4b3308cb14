package policy

import "testing"

func TestRootOf(t *testing.T) {
	const account = "111122223333"
	for arn, want := range map[string]bool{
		"arn:aws:iam::111122223333:root":      true,
		"":                                    false,
		"arn:aws:iam::":                       false,
		"arn:aws:iam::111122223333":           false,
		"arn:aws:iam::111122223333:roo":       false,
		"arn:aws:iam::111122223333:roots":     false,
		"arn:aws:iam::111122223333:user":      false,
		"arn:aws:iam::111122223334:root":      false,
		"arn:aws:iam::11112222333:root":       false,
		"arn:aws:iam::1111222233330:root":     false,
		"arn:aws:sts::111122223333:root":      false,
		"xarn:aws:iam::111122223333:root":     false,
		"arn:aws:iam::111122223333:root:root": false,
	} {
		if got := isRootOf(arn, account); got != want {
			t.Errorf("%q: %v", arn, got)
		}
	}
}
