package hostile

import (
	"fmt"
	"strconv"
	"strings"
)

// A writer writes one document.
type writer struct {
	*strand
	identity bool // without principals, with a Resource in each statement
	n        int  // number of the next item
}

// document returns a policy of at most size bytes with up to three parts. Each part repeats one kind of
// element.
func (w *writer) document(size int) string {
	version := "2012-10-17"
	if w.chance(5) {
		version = "2008-10-17"
	}
	parts := 1 + w.pick(3)
	var all []string
	for i := range parts {
		share := size / parts
		if parts > 1 {
			share = (size - 60) * (1 + w.pick(4)) / (4 * parts)
		}
		if i == 0 && parts == 1 {
			share = size - 60
		}
		if part := w.part(share - 2); part != "" {
			all = append(all, part)
		}
	}
	if len(all) == 0 {
		all = append(all, w.statement(nil))
	}
	return `{"Version":"` + version + `","Statement":[` + strings.Join(all, ",") + `]}`
}

// part repeats values, conditions, statements, resources, actions or principals.
func (w *writer) part(size int) string {
	begun := w.next
	again := func(of map[string]string) string {
		end := w.next
		w.next = begun // the same kind of statement
		text := w.statement(of)
		w.next = max(end, w.next)
		return text
	}
	fill := func(element string, item func() string, head, tail string) string {
		room := size - len(again(map[string]string{element: head + tail}))
		return again(map[string]string{element: head + w.fillRoom(room, item) + tail})
	}
	operator, key, value := w.operator(), w.key(), w.one(values)
	quoted := func(template string) func() string {
		return func() string { return strconv.Quote(w.fillTemplate(template)) }
	}
	switch level := w.pick(10); {
	case level < 3:
		return fill("Condition", quoted(value), `{"`+operator+`":{"`+w.fillTemplate(key)+`":[`, `]}}`)
	case level < 5:
		key = w.one(many)
		return fill("Condition", func() string { return quoted(key)() + ":" + quoted(value)() }, `{"`+operator+`":{`, `}}`)
	case level < 7:
		return w.fillRoom(size, func() string {
			return again(map[string]string{"Condition": `{"` + operator + `":{` + quoted(key)() + ":" + quoted(value)() + `}}`})
		})
	case level == 7:
		return fill("Resource", quoted(value), "[", "]")
	case level == 8 || w.identity:
		return fill("Action", quoted(w.one(actions)), "[", "]")
	}
	return fill("Principal", quoted(w.one(principals)), `{"AWS":[`, "]}")
}

// fillRoom joins items until there is no room.
func (w *writer) fillRoom(room int, item func() string) string {
	var b strings.Builder
	b.WriteString(item())
	for {
		next := item()
		if b.Len()+1+len(next) > room {
			return b.String()
		}
		b.WriteByte(',')
		b.WriteString(next)
	}
}

// statement returns a statement with the given elements.
func (w *writer) statement(of map[string]string) string {
	deny := w.chance(50)
	all := []string{`"Effect":"` + map[bool]string{true: "Deny", false: "Allow"}[deny] + `"`}
	if !w.identity {
		all = append(all, w.element("Principal", deny && w.chance(20), of, `"*"`))
	}
	all = append(all, w.element("Action", w.chance(20), of, `"kms:*"`), w.element("Resource", w.chance(20), of, `"*"`))
	if condition := of["Condition"]; condition != "" {
		all = append(all, `"Condition":`+condition)
	}
	return "{" + strings.Join(all, ",") + "}"
}

func (w *writer) element(name string, not bool, of map[string]string, otherwise string) string {
	value := of[name]
	if value == "" {
		value = otherwise
		if not {
			value = map[string]string{"Action": `"kms:Sign"`, "Resource": `"arn:x"`,
				"Principal": `{"AWS":"arn:aws:iam::111122223333:user/bob"}`}[name]
		}
	}
	if not {
		name = "Not" + name
	}
	return `"` + name + `":` + value
}

func (w *writer) operator() string {
	o := w.one(sets) + w.one(operators)
	if w.chance(20) {
		o += "IfExists"
	}
	return o
}

func (w *writer) key() string {
	if w.chance(30) {
		return w.one(many)
	}
	return w.one(single)
}

// fillTemplate fills a template with the next number and a condition key.
func (w *writer) fillTemplate(template string) string {
	w.n++
	if strings.Contains(template, "KEY") {
		template = strings.ReplaceAll(template, "KEY", single[w.n%3])
	}
	if strings.Contains(template, "%") {
		template = fmt.Sprintf(template, w.n)
	}
	return template
}
