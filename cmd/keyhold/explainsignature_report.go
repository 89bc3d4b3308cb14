package main

import (
	"cmp"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
)

// A signatureReport is all that can be said of a refused signature. rows are there
// when the client's side is known.
type signatureReport struct {
	api.ExplainSignatureResponse
	rows []signedRow
	same bool // both sides signed the same text
}

// compare takes up the client's side. A request that is too malformed for the
// server to have a side has no rows.
func (e *signatureReport) compare(client signedText) {
	server, ok := findSigned(*e.CanonicalRequest+"\n"+*e.StringToSign, *e.Date)
	if !ok {
		return
	}
	// The hash that the server signed is of the headers as they came, not as shown.
	lines := strings.Split(*e.StringToSign, "\n")
	if t, ok := parseToSign(lines[1:]); ok {
		server.toSign = &t
	}
	e.rows = signedRows(client, server)
	e.same = client.canonical.hash == server.toSign.hash && (client.toSign == nil || *client.toSign == *server.toSign)
}

// text is the report for people.
func (e signatureReport) text() *page {
	b := new(page)
	b.printf("Request %s, %s, at %s\n  %s: %s\n\n", *e.RequestId, cmp.Or(*e.Target, "for no operation"), e.RefusedAt, *e.ErrorCode, *e.ErrorMessage)
	e.printDeclared(b)
	switch {
	case *e.CanonicalRequest == "":
		b.printf("The request is too malformed to have a canonical request.\n")
	case e.rows != nil:
		b.printf("What client and server signed\n")
		printRows(b, e.rows)
	default:
		b.printf("The server's canonical request\n")
		printIndented(b, *e.CanonicalRequest)
		b.printf("\nThe server's string to sign\n")
		printIndented(b, *e.StringToSign)
	}
	b.printf("\nConclusion\n")
	for _, hint := range e.hints() {
		b.printf("  - %s\n", hint)
	}
	return b
}

// data is the report for programs.
func (e signatureReport) data() any {
	type row struct {
		Name   string
		Client *string
		Server *string
	}
	var rows []row
	for _, r := range e.rows {
		rows = append(rows, row{r.name, r.client, r.server})
	}
	return struct {
		api.ExplainSignatureResponse
		Signed []row `json:",omitempty"`
		Hints  []string
	}{e.ExplainSignatureResponse, rows, e.hints()}
}

// printDeclared prints what the request said of its signature.
func (e signatureReport) printDeclared(w *page) {
	w.printf("The request declares\n")
	for _, line := range [][2]string{
		{"access key ID", *e.AccessKeyId},
		{"scope", *e.CredentialScope},
		{"date", *e.Date},
		{"signed headers", strings.Join(e.SignedHeaders, ";")},
		{"payload hash", *e.DeclaredPayloadHash},
		{"body as it came", *e.PayloadHash},
	} {
		w.printf("  %-15s  %s\n", line[0], cmp.Or(line[1], "(absent)"))
	}
	w.printf("\n")
}

// printIndented prints the lines of a text that has several.
func printIndented(w *page, text string) {
	for line := range strings.Lines(text + "\n") {
		w.printf("%s\n", strings.TrimRight("  "+line, " \n"))
	}
}
