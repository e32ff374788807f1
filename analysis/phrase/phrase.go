// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Text is a sentence or a part of one, "" for none. A constant is its own template
// and has no values; every other Text comes from Of or Join. String gives the English
// words; the bytes of a Text itself hold the template and the values, so that stored
// results and examinations keep both.
//
// A Text is never put together of strings: a test of the review page finds every
// template by the type, and fails where one has no translation.
type Text string

// Of returns the text that a template makes of values. The verbs are %s for a Text or
// a name that is the same in every language, such as that of a level; %d and %+d for an int;
// %g, %.3g, %.1f and %+.1f, with any number of digits, for a float64; %% for a percent
// sign. It panics where a value fits no verb: templates are constants.
func Of(template string, values ...any) Text {
	b := []byte{'['}
	b = appendJSON(b, template)
	for _, v := range values {
		b = append(b, ',')
		switch v := v.(type) {
		case Text:
			b = appendText(b, v)
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				b = appendJSON(b, strconv.FormatFloat(v, 'g', -1, 64))
			} else {
				b = appendJSON(b, v)
			}
		case string:
			b = appendJSON(b, v)
		case fmt.Stringer:
			b = appendJSON(b, v.String())
		default:
			panic(fmt.Sprintf("phrase: a value of type %T", v))
		}
	}
	return Text(append(b, ']'))
}

// appendText appends a text within another.
func appendText(b []byte, t Text) []byte {
	if t.hasValues() {
		return append(b, t...)
	}
	return append(appendJSON(append(b, '['), string(t)), ']')
}

func appendJSON(b []byte, v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // a string or a finite number
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// Join returns the texts with a separator between them: ", ", "; " or " and ". It
// leaves out those that say nothing.
func Join(separator string, texts ...Text) Text {
	template := "%s" + separator + "%s"
	var out Text
	for _, t := range texts {
		switch {
		case t == "":
		case out == "":
			out = t
		default:
			out = Of(template, out, t)
		}
	}
	return out
}

// Names returns names that are the same in every language, such as those of levels,
// with a separator of Join between them.
func Names[N fmt.Stringer](separator string, names []N) Text {
	var all []Text
	for _, n := range names {
		all = append(all, Of("%s", n))
	}
	return Join(separator, all...)
}

// hasValues tells a text with values from one that is its own template: no constant
// begins so.
func (t Text) hasValues() bool { return strings.HasPrefix(string(t), `["`) }

// String returns the text in English.
func (t Text) String() string {
	if !t.hasValues() {
		return string(t)
	}
	template, values := t.Parts()
	n := 0
	return verb.ReplaceAllStringFunc(template, func(v string) string {
		if v == "%%" {
			return "%"
		}
		if n++; n > len(values) {
			return v
		}
		return values[n-1].String()
	})
}

// Value is a value in a text: one of its fields is set.
type Value struct {
	Number string // as the English sentence writes it, such as "+3.4"
	Name   string // the same in every language
	Text   Text
}

// String returns the value as the English sentence writes it.
func (v Value) String() string { return v.Number + v.Name + v.Text.String() }

// verb matches a verb of a template.
var verb = regexp.MustCompile(`%(s|\+?d|\+?(?:\.\d)?[gf]|%)`)

// Verbs returns the verbs of a template that take a value, in order.
func Verbs(template string) []string {
	return slices.DeleteFunc(verb.FindAllString(template, -1), func(v string) bool { return v == "%%" })
}

// Parts returns the template and the values of a text, the values as its verbs write
// them. What is stored damaged is its own template.
func (t Text) Parts() (template string, values []Value) {
	if !t.hasValues() {
		return string(t), nil
	}
	d := json.NewDecoder(strings.NewReader(string(t)))
	d.UseNumber()
	var parts []json.RawMessage
	if err := d.Decode(&parts); err != nil || json.Unmarshal(parts[0], &template) != nil {
		return string(t), nil
	}
	for i, v := range Verbs(template) {
		if i+1 < len(parts) {
			values = append(values, valueOf(v, parts[i+1]))
		}
	}
	return template, values
}

// valueOf returns a value as a verb writes it.
func valueOf(verb string, raw json.RawMessage) Value {
	switch {
	case bytes.HasPrefix(raw, []byte("[")):
		var constant []string
		if json.Unmarshal(raw, &constant) == nil && len(constant) == 1 {
			return Value{Text: Text(constant[0])}
		}
		return Value{Text: Text(raw)}
	case bytes.HasPrefix(raw, []byte(`"`)):
		var name string
		_ = json.Unmarshal(raw, &name) // a string of a valid array
		return Value{Name: name}
	}
	if n, err := strconv.Atoi(string(raw)); err == nil && strings.HasSuffix(verb, "d") {
		return Value{Number: fmt.Sprintf(verb, n)}
	}
	if verb == "%s" || strings.HasSuffix(verb, "d") {
		return Value{Number: string(raw)}
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return Value{Number: string(raw)}
	}
	return Value{Number: fmt.Sprintf(verb, x)}
}

// In returns the texts with values that a plain value holds, such as a result, each
// once.
func In(v any) []Text {
	c := collector{seen: map[Text]bool{}, holds: map[reflect.Type]bool{}}
	c.walk(reflect.ValueOf(v))
	return c.found
}

var textType = reflect.TypeFor[Text]()

// collector collects the texts with values of plain values.
type collector struct {
	found []Text
	seen  map[Text]bool
	holds map[reflect.Type]bool // whether a type can hold a text
}

func (c *collector) walk(v reflect.Value) {
	if !v.IsValid() || !c.canHold(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		if t := Text(v.String()); t.hasValues() && !c.seen[t] {
			c.found, c.seen[t] = append(c.found, t), true
		}
	case reflect.Pointer:
		c.walk(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			c.walk(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			c.walk(v.Field(i))
		}
	}
}

// canHold reports whether values of a type can hold a text: most of a result are
// numbers by the million.
func (c *collector) canHold(t reflect.Type) bool {
	if can, known := c.holds[t]; known {
		return can
	}
	c.holds[t] = false // while its parts are looked at: no plain type holds itself
	can := t == textType
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		can = c.canHold(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			can = c.canHold(f.Type) || can
		}
	}
	c.holds[t] = can
	return can
}
