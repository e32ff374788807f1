// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"testing"

	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/spine"
)

func TestNamedLevel(t *testing.T) {
	for name, want := range map[string]spine.Level{
		"L1": spine.L1, "l1": spine.L1, "vertebrae_L1": spine.L1, "Vertebra L1": spine.L1, "L1 vertebral body": spine.L1,
		"vertebrae_T12": spine.T12, "Th12": spine.T12, "D12 vertebra": spine.T12, "TH01": spine.T1, "vert-C7": spine.C7,
		"vertebrae S1": spine.S1, "T13": spine.T13, "L6": spine.L6, "L01": spine.L1,
		"First lumbar vertebra": spine.L1, "12th thoracic vertebra": spine.T12, "Structure of body of seventh cervical vertebra": spine.C7,
		"Bone structure of L5": spine.L5,

		"": spine.Unknown, "vertebra": spine.Unknown, "L1-L2": spine.Unknown, "L1/L2 disc": spine.Unknown, "disc_L1": spine.Unknown,
		"L1 nerve root": spine.Unknown, "rib_left_12": spine.Unknown, "L1 bone cement": spine.Unknown, "Spinal canal L1": spine.Unknown,
		"C8": spine.Unknown, "L9": spine.Unknown, "T14": spine.Unknown, "sacrum": spine.Unknown, "Coccyx": spine.Unknown,
		"first": spine.Unknown, "lumbar": spine.Unknown, "fourteenth thoracic vertebra": spine.Unknown, "First L1 vertebra": spine.Unknown,
		"liver": spine.Unknown, "L1 fracture": spine.Unknown, "20": spine.Unknown, "d": spine.Unknown, "th": spine.Unknown, "t00": spine.Unknown,
	} {
		if got := namedLevel(name); got != want {
			t.Errorf("namedLevel(%q) = %v, want %v", name, got, want)
		}
	}
}

// Segments as several programs describe them.
func TestLevelOfSegments(t *testing.T) {
	vertebra := code.Code{Value: "51282000", Scheme: "SCT", Meaning: "Vertebra"}
	l3, _ := code.Level(spine.L3)
	bone := code.Code{Value: "272673000", Scheme: "SCT", Meaning: "Bone"}
	tissue := code.Code{Value: "T-D0050", Scheme: "SRT", Meaning: "Tissue"}
	disc, _ := code.Disc(spine.L3)
	for _, tt := range []struct {
		name string
		s    Segment
		want spine.Level
	}{
		{"endplate", Segment{Label: "L3 vertebral body", Type: code.VertebralBody, Region: l3}, spine.L3},
		{"level as type, as TotalSegmentator's table has it", Segment{Label: "vertebrae_L3", Type: l3}, spine.L3},
		{"level as type without a meaning", Segment{Type: code.Code{Value: "36470004", Scheme: "SCT"}}, spine.L3},
		{"vertebra with region", Segment{Label: "segment 4", Type: vertebra, Region: l3}, spine.L3},
		{"vertebra with label", Segment{Label: "L3", Type: vertebra}, spine.L3},
		{"bone with label", Segment{Label: "vertebrae_L3", Type: bone}, spine.L3},
		{"tissue with label, as 3D Slicer writes by default", Segment{Label: "L3 vertebra", Type: tissue}, spine.L3},
		{"label alone", Segment{Label: "L3"}, spine.L3},
		{"description alone", Segment{Label: "Segment_3", Description: "Vertebra L3"}, spine.L3},
		{"SRT, of which only the meaning is understood", Segment{Type: code.Code{Value: "T-11930", Scheme: "SRT", Meaning: "Third lumbar vertebra"}}, spine.L3},

		{"disc", Segment{Label: "L3", Type: disc}, spine.Unknown},
		{"canal at a level", Segment{Label: "L3 canal", Type: code.VertebralCanal, Region: l3}, spine.Unknown},
		{"cement at a level", Segment{Label: "L3", Type: code.BoneCement, Region: l3}, spine.Unknown},
		{"lesion in a vertebra", Segment{Label: "L3", Type: code.Code{Value: "52988006", Scheme: "SCT", Meaning: "Lesion"}, Region: l3}, spine.Unknown},
		{"pedicle", Segment{Label: "L3", Type: code.Pedicle, Region: l3}, spine.Unknown},
		{"liver", Segment{Label: "Liver", Type: code.Code{Value: "T-62000", Scheme: "SRT", Meaning: "Liver"}}, spine.Unknown},
		{"nothing", Segment{}, spine.Unknown},
	} {
		if got := levelOf(&tt.s); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
