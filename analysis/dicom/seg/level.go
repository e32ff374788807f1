// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/spine"
)

// levelOf returns the vertebra of which a segment is all or the body. The codes of the
// type count before those of the region, and those before labels: what its type says
// to be a disc, a canal or a lesion is no vertebra, whatever its label. Coding schemes
// that are not known here are read by what their codes mean.
func levelOf(g *Segment) spine.Level {
	for _, c := range []code.Code{g.Type, g.Region} {
		if l := codedLevel(c); l != spine.Unknown {
			return l
		}
		if !general(c.Meaning) {
			return spine.Unknown
		}
	}
	if l := namedLevel(g.Label); l != spine.Unknown {
		return l
	}
	return namedLevel(g.Description)
}

func codedLevel(c code.Code) spine.Level {
	if l := code.LevelOf(c); l != spine.Unknown {
		return l
	}
	return namedLevel(c.Meaning)
}

// plainWords may stand beside the level in the name of a vertebra or its body, and
// alone in the name of a type that leaves open what it is.
var plainWords = []string{
	"vertebra", "vertebrae", "vertebral", "vert", "body", "bodies", "corpus", "vb", "level",
	"bone", "spine", "spinal", "column", "cervical", "thoracic", "lumbar", "sacral", "segment",
	"anatomical", "anatomic", "anatomy", "structure", "tissue", "organ", "of", "the", "entire",
}

// general reports whether a name says nothing that a vertebra is not. An empty one
// says nothing at all.
func general(name string) bool {
	return !slices.ContainsFunc(words(name), func(w string) bool { return !slices.Contains(plainWords, w) })
}

// namedLevel returns the level that a name is of, such as "L1", "vertebrae_L1", "Th12
// vertebral body" or "First lumbar vertebra"; Unknown where it names several, as that
// of a disc does, or says anything that is not known here.
func namedLevel(name string) spine.Level {
	level, ordinal, region := spine.Unknown, 0, ""
	for _, w := range words(name) {
		switch l, n := levelWord(w), ordinalWord(w); {
		case l != spine.Unknown && level == spine.Unknown:
			level = l
		case n > 0 && ordinal == 0:
			ordinal = n
		case !slices.Contains(plainWords, w):
			return spine.Unknown
		case letters[w] != "":
			region = letters[w]
		}
	}
	if ordinal == 0 {
		return level
	}
	if level != spine.Unknown || region == "" {
		return spine.Unknown
	}
	return levelWord(region + strconv.Itoa(ordinal))
}

// letters are what the levels of a region begin with.
var letters = map[string]string{"cervical": "c", "thoracic": "t", "lumbar": "l", "sacral": "s"}

// words returns the words of a name in lower case. Anything but letters and digits
// parts them.
func words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// levelWord returns the level that a word names. The thoracic ones are Th or D in
// places too.
func levelWord(w string) spine.Level {
	for _, prefix := range []string{"th", "d"} {
		if rest, ok := strings.CutPrefix(w, prefix); ok && len(rest) > 0 && unicode.IsDigit(rune(rest[0])) {
			w = "t" + rest
		}
	}
	if len(w) > 2 && w[1] == '0' {
		w = w[:1] + w[2:] // L01
	}
	l, err := spine.ParseLevel(strings.ToUpper(w))
	if err != nil || l == spine.Coccyx {
		return spine.Unknown
	}
	return l
}

var ordinals = []string{
	"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth",
}

// ordinalWord returns the number that a word such as "third" or "3rd" stands for, 0 if
// it stands for none.
func ordinalWord(w string) int {
	if i := slices.Index(ordinals, w); i >= 0 {
		return i + 1
	}
	for _, suffix := range []string{"st", "nd", "rd", "th"} {
		if digits, ok := strings.CutSuffix(w, suffix); ok {
			if n, err := strconv.Atoi(digits); err == nil && n > 0 && n <= len(ordinals) {
				return n
			}
		}
	}
	return 0
}
