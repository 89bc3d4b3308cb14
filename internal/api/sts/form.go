package sts

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// maxParameters is the maximum number of parameters in a form.
const maxParameters = 1000

// A Form is the body of a request, without duplicate parameters.
type Form map[string]string

// ParseForm parses the body of a request. The error contains nothing of the body.
func ParseForm(body []byte) (Form, error) {
	if strings.Count(string(body), "&") >= maxParameters {
		return nil, errors.New("the form has too many parameters")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the body is not a form")
	}
	f := Form{}
	for name, all := range values {
		if len(all) > 1 {
			return nil, errors.New("the form has a parameter twice")
		}
		f[name] = all[0]
	}
	return f, nil
}

// Decode decodes the form into a zero request. It ignores parameters that the type lacks, because newer clients
// may send them. A list with a gap is an error, because elements after the gap would be lost.
func (f Form) Decode(into any) error {
	d := formDecoder{f, map[string]bool{}}
	if err := d.structure("", reflect.ValueOf(into).Elem()); err != nil {
		return err
	}
	for name, value := range f {
		outer, _, nested := strings.Cut(name, ".")
		if member := memberOf(reflect.TypeOf(into).Elem(), outer); member && value != "" && !d.read[name] {
			if nested {
				return fmt.Errorf("the list %s has a gap, or a parameter that is not an element", outer)
			}
			return fmt.Errorf("%s is a list, not a single value", outer)
		}
	}
	return nil
}

// A formDecoder records which parameters it has read.
type formDecoder struct {
	form Form
	read map[string]bool
}

func (d formDecoder) structure(prefix string, v reflect.Value) error {
	for i := range v.NumField() {
		if err := d.member(prefix+wireName(v.Type().Field(i)), v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func (d formDecoder) member(name string, v reflect.Value) error {
	if v.Kind() == reflect.Slice {
		return d.list(name, v)
	}
	text, ok := d.form[name]
	if !ok {
		return nil
	}
	d.read[name] = true
	switch v.Type() {
	case reflect.TypeFor[*string]():
		v.Set(reflect.ValueOf(&text))
	case reflect.TypeFor[*int32]():
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Errorf("%s is not a number", name)
		}
		v.Set(reflect.ValueOf(new(int32(n))))
	default:
		panic(fmt.Sprintf("sts: a member of the type %v", v.Type()))
	}
	return nil
}

// list decodes NAME.member.1 and so on: values, or structures whose members follow after another dot.
func (d formDecoder) list(name string, v reflect.Value) error {
	for n := 1; ; n++ {
		at := name + ".member." + strconv.Itoa(n)
		if !d.has(at) {
			return nil
		}
		element := reflect.New(v.Type().Elem()).Elem()
		if element.Kind() == reflect.String {
			d.read[at] = true
			element.SetString(d.form[at])
		} else if err := d.structure(at+".", element); err != nil {
			return err
		}
		v.Set(reflect.Append(v, element))
	}
}

// has reports whether there is a parameter with the name, or one nested in it.
func (d formDecoder) has(at string) bool {
	if _, ok := d.form[at]; ok {
		return true
	}
	for name := range d.form {
		if strings.HasPrefix(name, at+".") {
			return true
		}
	}
	return false
}

// memberOf reports whether a type has a member with the name.
func memberOf(t reflect.Type, name string) bool {
	for f := range t.Fields() {
		if wireName(f) == name {
			return true
		}
	}
	return false
}

func wireName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
