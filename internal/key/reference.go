package key

import "strings"

// AliasPrefix begins every alias name.
const AliasPrefix = "alias/"

// maxAliasName is the largest length of an alias name, including its prefix.
const maxAliasName = 256

// multiRegionPrefix begins the ID of every multi-Region key.
const multiRegionPrefix = "mrk-"

// IDLength is the length of every key ID, both single-Region and multi-Region.
const IDLength = 36

// ValidID reports whether s has the form of a key ID: a lower-case UUID, or "mrk-" and 32 hexadecimal digits.
func ValidID(s string) bool {
	if len(s) != IDLength {
		return false
	}
	if digits, multi := strings.CutPrefix(s, multiRegionPrefix); multi {
		return all(digits, isHex)
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && !isHex(s[i]) {
			return false
		}
	}
	return true
}

// ValidAccount reports whether s has the form of an account ID: 12 digits.
func ValidAccount(s string) bool { return len(s) == 12 && all(s, isDigit) }

// ValidRegion reports whether s has the form of a Region name, such as "eu-west-2": two or three words and a
// number, at most 32 characters.
func ValidRegion(s string) bool {
	if len(s) > 32 {
		return false
	}
	words := 0
	for {
		word, rest, more := strings.Cut(s, "-")
		if !more {
			return (words == 2 || words == 3) && word != "" && all(word, isDigit)
		}
		if word == "" || !all(word, isLower) {
			return false
		}
		words++
		s = rest
	}
}

func all(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c && c <= 'f' }

// ARN returns the Amazon Resource Name of a key ("key/…") or alias ("alias/…").
func ARN(account, region, resource string) string {
	return "arn:aws:kms:" + region + ":" + account + ":" + resource
}

// KeyARN returns the Amazon Resource Name of a key. It avoids the extra allocation of ARN, because every
// request calls it several times.
func KeyARN(account, region, id string) string {
	return "arn:aws:kms:" + region + ":" + account + ":key/" + id
}

// A Reference is how a request names a key: either KeyID or Alias is set. Alias includes its prefix.
type Reference struct {
	Account, Region string
	KeyID, Alias    string
}

// ARN returns the Amazon Resource Name of the key or alias that the request named.
func (r Reference) ARN() string {
	if r.Alias != "" {
		return ARN(r.Account, r.Region, r.Alias)
	}
	return KeyARN(r.Account, r.Region, r.KeyID)
}

// ParseReference parses a key ID, key ARN, alias name or alias ARN. IDs and names without an ARN belong to the
// given account and Region. An ARN of another Region is not found.
func ParseReference(s, account, region string) (Reference, error) {
	ref := Reference{Account: account, Region: region}
	resource := s
	if strings.HasPrefix(s, "arn:") {
		parts := strings.SplitN(s, ":", 6)
		if len(parts) != 6 || parts[1] != "aws" || parts[2] != "kms" || !ValidRegion(parts[3]) || !ValidAccount(parts[4]) {
			return Reference{}, Errorf(KindInvalidArn, "Invalid arn '%s'", s)
		}
		if parts[3] != region {
			return Reference{}, Errorf(KindNotFound, "Invalid arn %s", parts[3])
		}
		ref.Account = parts[4]
		resource = parts[5]
		id, isKey := strings.CutPrefix(resource, "key/")
		switch {
		case isKey && ValidID(id):
			ref.KeyID = id
			return ref, nil
		case isKey:
			return Reference{}, Errorf(KindNotFound, "Invalid keyId '%s'", s)
		case !strings.HasPrefix(resource, AliasPrefix):
			return Reference{}, Errorf(KindInvalidArn, "Invalid arn '%s'", s)
		}
	}
	switch {
	case len(resource) > maxAliasName:
		return Reference{}, Errorf(KindNotFound, "Invalid keyId '%s'", s) // longer than any alias name
	case strings.HasPrefix(resource, AliasPrefix):
		ref.Alias = resource
	case ValidID(resource):
		ref.KeyID = resource
	default:
		return Reference{}, Errorf(KindNotFound, "Invalid keyId '%s'", s)
	}
	return ref, nil
}

// ParseKeyReference is ParseReference for operations that do not accept an alias.
func ParseKeyReference(s, account, region string) (Reference, error) {
	ref, err := ParseReference(s, account, region)
	if err != nil || ref.Alias == "" {
		return ref, err
	}
	if s == ref.Alias {
		return Reference{}, Errorf(KindNotFound, "Invalid keyId '%s'", s)
	}
	return Reference{}, Errorf(KindInvalidArn, "Key Aliases are not supported for this operation.")
}
