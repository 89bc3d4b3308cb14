package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A wireError is an error response of the server.
type wireError struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (e wireError) Error() string { return e.Type + ": " + e.Message }

// kms sends one request and prints the response.
func (s step) kms() {
	operation, words := s.args[0], s.args[1:]
	if len(words) == 1 && strings.HasPrefix(words[0], "@") {
		s.printResult(s.call(operation, []byte(s.ReadFile(words[0][1:]))))
		return
	}
	s.printResult(s.call(operation, s.encode(s.members(words))))
}

// repeat sends a request several times. It replaces {} in the request with 1, 2, and so on. No
// request may be refused.
func (s step) repeat() {
	count, err := strconv.Atoi(s.args[0])
	s.Check(err)
	if s.args[1] != "kms" {
		s.Fatalf("only kms can be repeated")
	}
	for i := range count {
		var words []string
		for _, word := range s.args[3:] {
			words = append(words, strings.ReplaceAll(word, "{}", strconv.Itoa(i+1)))
		}
		s.Check(s.call(s.args[2], s.encode(s.members(words))))
	}
}

// printResult prints the result of a call, and fails unless a refusal agrees with the "!" of the
// line.
func (s step) printResult(err error) {
	if err != nil {
		fmt.Fprintln(s.Stderr(), err)
	} else if len(s.answer) > 0 {
		var text bytes.Buffer
		s.Check(json.Indent(&text, s.answer, "", "  "))
		fmt.Fprintln(s.Stdout(), text.String())
	}
	switch {
	case err != nil && !s.neg:
		s.Fatalf("unexpected refusal")
	case err == nil && s.neg:
		s.Fatalf("unexpected success")
	}
}

// call sends a request. While the machine is too busy for the request, call repeats it, as SDKs do.
func (s step) call(operation string, body []byte) (err error) {
	for range 100 {
		err = s.callOnce(operation, body)
		if refused, _ := errors.AsType[wireError](err); refused.Type != "ThrottlingException" {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// callOnce signs and sends a request and keeps the response. The body is not checked on the way.
func (s step) callOnce(operation string, body []byte) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.Getenv("ENDPOINT")+"/", bytes.NewReader(body))
	s.Check(err)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	hash := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: s.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: s.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: s.Getenv("AWS_SESSION_TOKEN")}
	s.Check(v4.NewSigner().SignHTTP(r.Context(), credentials, r, hex.EncodeToString(hash[:]), "kms", s.Getenv("AWS_REGION"), time.Now()))
	answer, err := http.DefaultClient.Do(r)
	s.Check(err)
	defer answer.Body.Close()
	s.record(answer)
	s.story.answer, err = io.ReadAll(answer.Body)
	s.Check(err)
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	var e wireError
	s.Check(json.Unmarshal(s.answer, &e))
	return e
}

// record keeps the whole response in the log folder, for scan.
func (s step) record(answer *http.Response) {
	all, err := httputil.DumpResponse(answer, true)
	s.Check(err)
	f, err := openLog(s.dir, "answers")
	s.Check(err)
	defer f.Close()
	_, err = f.Write(all)
	s.Check(err)
}

// members reads the members of a request from the words of a line.
func (s step) members(words []string) map[string]any {
	all := map[string]any{}
	for _, word := range words {
		name, text, ok := strings.Cut(word, "=")
		if !ok {
			s.Fatalf("%q is not MEMBER=VALUE", word)
		}
		name, isJSON := strings.CutSuffix(name, ":")
		var value any = text
		if file, isFile := strings.CutPrefix(text, "@"); isJSON {
			value = json.RawMessage(text)
		} else if isFile {
			value = []byte(s.ReadFile(file)) // base64 in JSON
		}
		in := all
		for outer, inner, nested := strings.Cut(name, "."); nested; outer, inner, nested = strings.Cut(name, ".") {
			if in[outer] == nil {
				in[outer] = map[string]any{}
			}
			in, name = in[outer].(map[string]any), inner
		}
		in[name] = value
	}
	return all
}

func (s step) encode(members map[string]any) []byte {
	body, err := json.Marshal(members)
	s.Check(err)
	return body
}

// save puts a member of the last response into a variable.
func (s step) save() { s.Setenv(s.args[0], s.member(s.args[1])) }

// saveBlob puts a blob of the last response into a file.
func (s step) saveBlob() { s.writeBlob(s.args[0], s.args[1]) }

func (s step) writeBlob(file, member string) {
	blob, err := base64.StdEncoding.DecodeString(s.member(member))
	s.Check(err)
	s.Check(os.WriteFile(s.MkAbs(file), blob, 0o600))
}

// member returns a member of the last response as text. A dot in the path leads into an object.
func (s step) member(path string) string {
	decoder := json.NewDecoder(bytes.NewReader(s.answer))
	decoder.UseNumber() // keeps numbers as they are written
	var value any
	s.Check(decoder.Decode(&value))
	for name := range strings.SplitSeq(path, ".") {
		in, _ := value.(map[string]any)
		if value = in[name]; value == nil {
			s.Fatalf("the last answer has no member %s", path)
		}
	}
	return fmt.Sprint(value)
}

// flip changes one bit of a file. A negative offset counts from the end.
func (s step) flip() {
	content := []byte(s.ReadFile(s.args[0]))
	i, err := strconv.Atoi(s.args[1])
	s.Check(err)
	if i < 0 {
		i += len(content)
	}
	content[i] ^= 1
	s.Check(os.WriteFile(s.MkAbs(s.args[0]), content, 0o600))
}
