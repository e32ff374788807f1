// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"

	"github.com/endplate/endplate/analysis/phrase"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// phrases returns what the sentences of a message are made of, by the sentence. holders
// hold the texts that they were converted from.
func phrases(m proto.Message, holders ...any) map[string]*endplatev1.Phrase {
	texts := map[string]phrase.Text{}
	for _, h := range holders {
		for _, t := range phrase.In(h) {
			texts[t.String()] = t
		}
	}
	out := map[string]*endplatev1.Phrase{}
	_ = protorange.Range(m.ProtoReflect(), func(v protopath.Values) error {
		if s, isString := v.Index(-1).Value.Interface().(string); isString {
			if t, ok := texts[s]; ok {
				out[s] = Phrase(t)
			}
		}
		return nil
	})
	return out
}

// Phrases returns what those of texts are made of that have values, by the English
// sentence.
func Phrases(texts []phrase.Text) map[string]*endplatev1.Phrase {
	out := map[string]*endplatev1.Phrase{}
	for _, t := range phrase.In(texts) {
		out[t.String()] = Phrase(t)
	}
	return out
}

// Phrase returns what a text is made of.
func Phrase(t phrase.Text) *endplatev1.Phrase {
	template, values := t.Parts()
	out := &endplatev1.Phrase{Template: template}
	for _, v := range values {
		out.Values = append(out.Values, phraseValue(v))
	}
	return out
}

func phraseValue(v phrase.Value) *endplatev1.PhraseValue {
	switch {
	case v.Number != "":
		return &endplatev1.PhraseValue{Value: &endplatev1.PhraseValue_Number{Number: v.Number}}
	case v.Text != "":
		return &endplatev1.PhraseValue{Value: &endplatev1.PhraseValue_Phrase{Phrase: Phrase(v.Text)}}
	}
	return &endplatev1.PhraseValue{Value: &endplatev1.PhraseValue_Name{Name: v.Name}}
}
