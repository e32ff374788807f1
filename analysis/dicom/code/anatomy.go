// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package code

import "github.com/endplate/endplate/analysis/spine"

// levels are the vertebrae, S1 as the first sacral vertebra. A thirteenth thoracic
// and a sixth lumbar vertebra have no code in the context group.
var levels = map[spine.Level]Code{
	spine.C1: vertebra("14806007", "C1"), spine.C2: vertebra("39976000", "C2"), 3: vertebra("113205007", "C3"),
	4: vertebra("5329002", "C4"), 5: vertebra("36978003", "C5"), 6: vertebra("36054005", "C6"), spine.C7: vertebra("87391001", "C7"),

	spine.T1: vertebra("64864005", "T1"), 9: vertebra("53733008", "T2"), 10: vertebra("1626008", "T3"), spine.T4: vertebra("73071006", "T4"),
	12: vertebra("56401006", "T5"), 13: vertebra("45296009", "T6"), 14: vertebra("62487009", "T7"), 15: vertebra("11068009", "T8"),
	16: vertebra("82687006", "T9"), spine.T10: vertebra("7610001", "T10"), spine.T11: vertebra("12989004", "T11"), spine.T12: vertebra("23215003", "T12"),

	spine.L1: vertebra("66794005", "L1"), spine.L2: vertebra("14293000", "L2"), spine.L3: vertebra("36470004", "L3"),
	spine.L4: vertebra("11994002", "L4"), spine.L5: vertebra("49668003", "L5"), spine.S1: vertebra("65985001", "S1"),

	spine.T13: own("T13", "Thirteenth thoracic vertebra"),
	spine.L6:  own("L6", "Sixth lumbar vertebra"),
}

func vertebra(value, level string) Code { return sct(value, level+" vertebra", "PS3.16 CID 7603") }

// Level returns the code of a vertebra, and whether there is one.
func Level(l spine.Level) (Code, bool) {
	c, ok := levels[l]
	return c, ok
}

// LevelOf returns the level that a code names; Unknown if it names none.
func LevelOf(c Code) spine.Level {
	for l := spine.C1; l <= spine.T13; l++ {
		if levels[l].Is(c) && c.Value != "" {
			return l
		}
	}
	return spine.Unknown
}

// discs are the discs by the vertebra above. Those of the upper levels were not
// found in a table that could be checked.
var discs = map[spine.Level]Code{
	spine.T11: disc("1537001", "T11-T12"), spine.T12: disc("76206002", "T12-L1"),
	spine.L1: disc("80064006", "L1-L2"), spine.L2: disc("67459009", "L2-L3"), spine.L3: disc("62551000", "L3-L4"),
	spine.L4: disc("84020006", "L4-L5"), spine.L5: disc("715056000", "L5-S1"),
}

func disc(value, levels string) Code {
	return sct(value, levels+" intervertebral disc", "PS3.16 CID 7604")
}

// Disc returns the code of the disc below a vertebra, and whether there is one.
func Disc(above spine.Level) (Code, bool) {
	c, ok := discs[above]
	return c, ok
}

// Parts of a vertebra and of the spine.
var (
	Vertebra            = sct("51282000", "Vertebra", "PS3.16 CID 6109")
	VertebralBody       = sct("3572006", "Vertebral body", "SNOMED CT")
	Pedicle             = sct("78972004", "Pedicle of vertebra", "PS3.16 CID 6115")
	VertebralCanal      = sct("61853006", "Vertebral canal", "PS3.16 CID 6115")
	Sacrum              = sct("54735007", "Sacrum", "PS3.16 CID 4031")
	Spine               = sct("421060004", "Spine", "PS3.16 CID 4031")
	AnatomicalStructure = sct("123037004", "Anatomical Structure", "PS3.16 CID 7150")
	PhysicalObject      = sct("260787004", "Physical object", "PS3.16 CID 7150")
	BoneCement          = own("CEMENT", "Bone cement in or around a vertebral body, seen in the image")
	VertebralMetal      = own("METAL", "Metal in or around a vertebral body, seen in the image")
	SuperiorAspect      = sct("264217000", "Superior", "PS3.16 CID 2")
	InferiorAspect      = sct("261089000", "Inferior", "PS3.16 CID 2")
	AnteriorAspect      = sct("255549009", "Anterior", "PS3.16 CID 2")
	PosteriorAspect     = sct("255551008", "Posterior", "PS3.16 CID 2")
	CentralAspect       = sct("26216008", "Central", "PS3.16 CID 2")
)
