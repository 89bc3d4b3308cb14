package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// sts sends one request of the query protocol and prints the result as JSON.
func (s step) sts() {
	form := url.Values{"Action": {s.args[0]}, "Version": {"2011-06-15"}}
	for _, word := range s.args[1:] {
		name, value, _ := strings.Cut(word, "=")
		form.Set(name, value)
	}
	s.printResult(s.query(s.args[0], form.Encode()))
}

func (s step) query(action, body string) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.Getenv("ENDPOINT")+"/", strings.NewReader(body))
	s.Check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if action != "AssumeRoleWithWebIdentity" {
		hash := sha256.Sum256([]byte(body))
		credentials := aws.Credentials{AccessKeyID: s.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: s.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: s.Getenv("AWS_SESSION_TOKEN")}
		s.Check(v4.NewSigner().SignHTTP(r.Context(), credentials, r, hex.EncodeToString(hash[:]), "sts", s.Getenv("AWS_REGION"), time.Now()))
	}
	answer, err := http.DefaultClient.Do(r)
	s.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	s.Check(err)
	members := s.elements(text)
	if answer.StatusCode != http.StatusOK {
		refused := members["ErrorResponse"].(map[string]any)["Error"].(map[string]any)
		return wireError{refused["Code"].(string), refused["Message"].(string)}
	}
	s.story.answer, err = json.Marshal(members[action+"Response"].(map[string]any)[action+"Result"])
	s.Check(err)
	return nil
}

// elements decodes XML into maps, from the name of an element to its content.
func (s step) elements(text []byte) map[string]any {
	d := xml.NewDecoder(bytes.NewReader(text))
	stack, words := []map[string]any{{}}, ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return stack[0]
		}
		s.Check(err)
		switch token := token.(type) {
		case xml.StartElement:
			stack, words = append(stack, map[string]any{}), ""
		case xml.CharData:
			words = string(token)
		case xml.EndElement:
			inner := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if stack[len(stack)-1][token.Name.Local] = any(words); len(inner) > 0 {
				stack[len(stack)-1][token.Name.Local] = inner
			}
			words = ""
		}
	}
}
