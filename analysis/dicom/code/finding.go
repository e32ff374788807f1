// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package code

// findings are the codes of findings. The published maps disagree on the concepts of
// a vertebral fracture, and a deformity is not yet one: so none of them is used.
var findings = map[string]Code{
	"VERTEBRAL_DEFORMITY":           own("F-DEFORMITY", "Deformity of a vertebral body by loss of height"),
	"SUSPECTED_VERTEBRAL_DEFORMITY": own("F-SUSPECTED", "Suspected deformity of a vertebral body (Genant's 0.5)"),
	"SEVERE_COLLAPSE":               own("F-SEVERE", "Severe collapse of a vertebral body"),
	"VERTEBRA_PLANA":                own("F-PLANA", "Vertebra plana"),
	"POSTERIOR_WALL_INVOLVED":       own("F-WALL-INVOLVED", "The posterior wall is involved"),
	"POSTERIOR_WALL_SUSPECT":        own("F-WALL-SUSPECT", "The posterior wall is suspect"),
	"CANAL_COMPROMISE":              own("F-CANAL", "The canal is narrower than beside the adjacent levels"),
	"PEDICLE_EROSION":               own("F-PEDICLE", "A pedicle is eroded or lytic"),
	"VACUUM_CLEFT":                  own("F-CLEFT", "Gas within a vertebral body"),
	"LYTIC_LESION":                  own("F-LYTIC", "A part of a body with little or no bone"),
	"SCLEROTIC_LESION":              own("F-SCLEROTIC", "A dense part of a body"),
	"CORTICAL_GAP":                  own("F-CORTEX", "A face of a body without cortical bone"),
	"ATTENUATION_BAND":              own("F-BONE", "Low attenuation of the cancellous bone of L1"),

	"HEIGHT_RESTORED":       own("F-RESTORED", "Height of a body came back"),
	"HEIGHT_UNCHANGED":      own("F-UNCHANGED", "Height of a body did not change"),
	"HEIGHT_LOST_FURTHER":   own("F-LOST", "A body lost more height"),
	"RECOLLAPSE":            own("F-RECOLLAPSE", "A treated body collapsed again"),
	"NEW_FRACTURE":          own("F-NEW", "New fracture"),
	"NEW_FRACTURE_ADJACENT": own("F-NEW-ADJACENT", "New fracture adjacent to a treated level"),
	"NEW_FRACTURE_REMOTE":   own("F-NEW-REMOTE", "New fracture away from the treated levels"),
	"KYPHOSIS_CORRECTED":    own("F-KYPHOSIS-LESS", "Kyphosis decreased"),
	"KYPHOSIS_INCREASED":    own("F-KYPHOSIS-MORE", "Kyphosis increased"),
	"NEW_CEMENT":            own("F-CEMENT", "New bone cement"),
	"NEW_CEMENT_LEAK":       own("F-LEAK", "New leak of bone cement"),
	"RETROPULSION_CHANGED":  own("F-RETROPULSION", "Retropulsion changed"),
}

// otherFinding is one that the table does not know; its words say what it is.
var otherFinding = own("F-OTHER", "A finding, as its statement says")

// FindingOf returns the code of a finding.
func FindingOf(name string) Code {
	if c, ok := findings[name]; ok {
		return c
	}
	return otherFinding
}
