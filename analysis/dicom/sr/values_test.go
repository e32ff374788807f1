// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// asPydicomReads prints the measurement groups of a report.
const asPydicomReads = `
import sys, json, pydicom
def children(i): return i.get("ContentSequence", [])
def name(i): return i.ConceptNameCodeSequence[0].CodeValue if "ConceptNameCodeSequence" in i else ""
def code(i): return i.ConceptCodeSequence[0].CodeValue
def number(i):
    if not i.MeasuredValueSequence: return None
    v = i.MeasuredValueSequence[0]
    assert abs(v.FloatingPointValue - float(v.NumericValue)) <= max(5e-4 * abs(v.FloatingPointValue), 5e-7)
    return v.FloatingPointValue
d = pydicom.dcmread(sys.argv[1])
groups = []
for part in children(d):
    if name(part) != "126010": continue
    for g in children(part):
        if g.ValueType != "CONTAINER": continue
        out = {"numbers": {}, "points": {}, "codes": [], "site": ""}
        for i in children(g):
            if name(i) == "112039": out["identifier"] = i.TextValue
            if name(i) == "112040": out["uid"] = i.UID
            if i.ValueType == "CODE":
                if name(i) == "363698007": out["site"] = code(i)
                else: out["codes"].append([name(i), code(i)])
            if i.ValueType == "SCOORD3D":
                out["points"].setdefault(name(i), list(i.GraphicData))
            for i in [i] + [c for c in children(i) if i.ValueType == "CODE" and c.ValueType == "NUM"]:
                if i.ValueType != "NUM": continue
                n = {"concept": name(i), "value": number(i), "unit": "", "sd": None, "why": "", "because": "", "levels": []}
                if i.MeasuredValueSequence: n["unit"] = i.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue
                if "NumericValueQualifierCodeSequence" in i: n["why"] = i.NumericValueQualifierCodeSequence[0].CodeValue
                key = ""
                for c in children(i):
                    if name(c) == "121050": key = c.TextValue
                    if name(c) == "371884006": n["sd"] = number(c)
                    if name(c) == "BECAUSE": n["because"] = c.TextValue
                    if name(c) == "EXPECTED-FROM": n["levels"].append(code(c))
                assert key and key not in out["numbers"], (out["identifier"], key)
                out["numbers"][key] = n
        groups.append(out)
json.dump(groups, sys.stdout)
`

type number struct {
	Concept, Unit string
	Value, SD     *float64
	Why, Because  string
	Levels        []string
}

type group struct {
	Identifier, UID, Site string
	Numbers               map[string]number
	Points                map[string][]float64
	Codes                 [][2]string
}

func groupsOf(t testing.TB, path string) map[string]group {
	t.Helper()
	out, err := exec.Command(pydicom(t), "-c", asPydicomReads, path).Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok { //nolint:errorlint // as it came
			t.Fatalf("%v\n%s", err, e.Stderr)
		}
		t.Fatal(err)
	}
	var all []group
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	byIdentifier := map[string]group{}
	for _, g := range all {
		if _, twice := byIdentifier[g.Identifier]; twice {
			t.Errorf("two groups are %q", g.Identifier)
		}
		byIdentifier[g.Identifier] = g
	}
	return byIdentifier
}

// names are those of the numbers in the report, by their path in the JSON; a
// deviation has the name of its number and "±".
var names = map[string]string{
	"level_probability":    "probability that the level is right, 0 to 1",
	"wedge_angle_deg":      "wedge angle",
	"wedge_angle_sd_deg":   "wedge angle±",
	"disc_height_below_mm": "height of the disc below", "disc_height_below_sd_mm": "height of the disc below±",
	"depth_mm": "depth at mid-height", "width_mm": "width at mid-height",

	"landmarks.superior_anterior.sd_mm": "superior anterior landmark, along the body's superior axis", "landmarks.superior_middle.sd_mm": "superior middle landmark, along the body's superior axis",
	"landmarks.superior_posterior.sd_mm": "superior posterior landmark, along the body's superior axis", "landmarks.inferior_anterior.sd_mm": "inferior anterior landmark, along the body's superior axis",
	"landmarks.inferior_middle.sd_mm": "inferior middle landmark, along the body's superior axis", "landmarks.inferior_posterior.sd_mm": "inferior posterior landmark, along the body's superior axis",

	"heights.anterior_mm": "anterior height", "heights.anterior_sd_mm": "anterior height±",
	"heights.middle_mm": "middle height", "heights.middle_sd_mm": "middle height±",
	"heights.posterior_mm": "posterior height", "heights.posterior_sd_mm": "posterior height±",
	"heights.expected_anterior_mm": "expected anterior height", "heights.expected_middle_mm": "expected middle height", "heights.expected_posterior_mm": "expected posterior height",
	"deformity.worst_loss_percent": "largest loss of height", "deformity.worst_loss_sd_percent": "largest loss of height±",

	"canal.ap_mm": "canal diameter at the pedicles, mid-sagittal", "canal.ap_sd_mm": "canal diameter at the pedicles, mid-sagittal±",
	"canal.area_mm2": "canal area at the pedicles", "canal.area_sd_mm2": "canal area at the pedicles±",
	"canal.narrowest_ap_mm": "canal diameter at its narrowest, mid-sagittal", "canal.narrowest_ap_sd_mm": "canal diameter at its narrowest, mid-sagittal±",
	"canal.narrowest_area_mm2": "canal area at its narrowest", "canal.narrowest_area_sd_mm2": "canal area at its narrowest±",
	"canal.narrowest_at_percent": "height of the narrowest place of the canal", "canal.open_percent": "canal bounded by no bone",
	"canal.expected_ap_mm": "expected canal diameter at its narrowest", "canal.expected_area_mm2": "expected canal area at its narrowest",
	"canal.ap_compromise_percent": "canal compromise by diameter", "canal.ap_compromise_sd_percent": "canal compromise by diameter±",
	"canal.area_compromise_percent": "canal compromise by area", "canal.area_compromise_sd_percent": "canal compromise by area±",

	"posterior_wall.retropulsion_mm": "retropulsion", "posterior_wall.retropulsion_sd_mm": "retropulsion±",
	"posterior_wall.retropulsion_at_percent": "height of the greatest retropulsion", "posterior_wall.retropulsion_left_mm": "greatest retropulsion, to the left",
	"posterior_wall.gap_percent": "posterior wall without cortex", "posterior_wall.intact_gap_percent": "posterior wall without cortex, intact levels",
	"posterior_wall.gap_judged_percent": "posterior wall judged", "posterior_wall.cortex_mm": "cortex of the posterior wall", "posterior_wall.intact_cortex_mm": "cortex of the posterior wall, intact levels",
	"posterior_wall.superior_angle_deg": "superior angle of the posterior wall", "posterior_wall.superior_angle_sd_deg": "superior angle of the posterior wall±",
	"posterior_wall.inferior_angle_deg": "inferior angle of the posterior wall", "posterior_wall.inferior_angle_sd_deg": "inferior angle of the posterior wall±",
	"posterior_wall.beside_superior_angle_deg": "superior angle of the posterior wall, intact levels beside", "posterior_wall.beside_inferior_angle_deg": "inferior angle of the posterior wall, intact levels beside",
	"posterior_wall.height_of_expected_percent": "posterior height of the expected, as a criterion", "posterior_wall.height_of_expected_sd_percent": "posterior height of the expected, as a criterion±",
	"posterior_wall.height_of_above_percent": "posterior height of that of the level above", "posterior_wall.height_of_below_percent": "posterior height of that of the level below",

	"attenuation.median_hu": "attenuation of cancellous bone", "attenuation.sd_hu": "attenuation of cancellous bone±",
	"attenuation.spread_hu": "spread of attenuation between voxels", "attenuation.volume_ml": "volume of cancellous bone measured",
	"lesions.lytic_percent": "lytic part of the body", "lesions.sclerotic_percent": "sclerotic part of the body", "lesions.reference_hu": "expected attenuation of cancellous bone",
	"vacuum_cleft.volume_ml": "volume of gas in the body", "vacuum_cleft.volume_sd_ml": "volume of gas in the body±",
	"cortex.superior_endplate.gap_percent": "superior endplate without cortex", "cortex.superior_endplate.usual_gap_percent": "superior endplate without cortex, undeformed levels",
	"cortex.inferior_endplate.gap_percent": "inferior endplate without cortex", "cortex.inferior_endplate.usual_gap_percent": "inferior endplate without cortex, undeformed levels",
	"cortex.anterior_wall.gap_percent": "anterior wall without cortex", "cortex.anterior_wall.usual_gap_percent": "anterior wall without cortex, undeformed levels",
	"cortex.left_wall.gap_percent": "left wall without cortex", "cortex.left_wall.usual_gap_percent": "left wall without cortex, undeformed levels",
	"cortex.right_wall.gap_percent": "right wall without cortex", "cortex.right_wall.usual_gap_percent": "right wall without cortex, undeformed levels",
	"pedicles.left.attenuation_hu": "attenuation of the left pedicle", "pedicles.left.expected_hu": "expected attenuation of the left pedicle",
	"pedicles.right.attenuation_hu": "attenuation of the right pedicle", "pedicles.right.expected_hu": "expected attenuation of the right pedicle",

	"cement.volume_ml": "volume of cement", "cement.volume_sd_ml": "volume of cement±", "cement.inside_ml": "volume of cement in body and pedicles",
	"cement.body_share_percent": "cement of the body", "cement.left_share_percent": "cement to the left",
	"cement.superior_contact.gap_mm": "cement to the superior endplate", "cement.superior_contact.area_mm2": "area of the superior endplate that cement touches",
	"cement.inferior_contact.gap_mm": "cement to the inferior endplate", "cement.inferior_contact.area_mm2": "area of the inferior endplate that cement touches",
	"cement.attenuation_hu": "attenuation of the cement", "cement.saturated_percent": "cement at the scanner's ceiling", "cement.confidence": "confidence in the cement, 0 to 1",
	"cement.leaks.CANAL.volume_ml": "volume of the leak: canal", "cement.leaks.CANAL.distance_mm": "reach of the leak: canal",
	"cement.leaks.INFERIOR_DISC.volume_ml": "volume of the leak: disc below", "cement.leaks.INFERIOR_DISC.distance_mm": "reach of the leak: disc below",
	"metal.volume_ml": "volume of metal and its artefacts", "fracture.wall_share_percent": "posterior wall without cortex, of the fracture",
}

// points are the codes of the positions, by their path in the JSON.
var points = map[string]code.Code{
	"center": code.BodyCenter, "vacuum_cleft.center": code.GasCenter,
	"landmarks.superior_anterior": code.SuperiorAnterior, "landmarks.superior_middle": code.SuperiorMiddle, "landmarks.superior_posterior": code.SuperiorPosterior,
	"landmarks.inferior_anterior": code.InferiorAnterior, "landmarks.inferior_middle": code.InferiorMiddle, "landmarks.inferior_posterior": code.InferiorPosterior,
}

// leaves calls visit with each number of a message and its path; items of a list are
// told apart by what they are of.
func leaves(path string, m protoreflect.Message, visit func(path string, value float64)) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		p := strings.TrimPrefix(path+"."+string(f.Name()), ".")
		switch {
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			for i := range v.List().Len() {
				leaves(p+"."+itemName(v.List().Get(i).Message()), v.List().Get(i).Message(), visit)
			}
		case f.Kind() == protoreflect.MessageKind:
			leaves(p, v.Message(), visit)
		case f.Kind() == protoreflect.DoubleKind:
			visit(p, v.Float())
		}
		return true
	})
}

func itemName(m protoreflect.Message) string {
	switch x := m.Interface().(type) {
	case *endplatev1.CementLeak:
		return x.GetPlace().String()
	case *endplatev1.WallCriterion:
		return strings.ToLower(strings.ReplaceAll(x.GetName()+": "+x.GetImplies().String(), "_", " "))
	}
	return "?"
}

// unitOf returns the unit that the last word of a field's name stands for.
func unitOf(path string) string {
	return map[string]string{"mm": "mm", "deg": "deg", "percent": "%", "hu": "[hnsf'U]", "ml": "ml", "mm2": "mm2", "kvp": "kV"}[path[strings.LastIndex(path, "_")+1:]]
}

// Every number of the JSON is in the report as pydicom reads it: value, deviation and
// unit. A field that the test does not know fails it.
func TestEveryValueComesBack(t *testing.T) {
	r := measured(t)
	d, err := sr.Report(originOf(t, "a"), r, provenance())
	if err != nil {
		t.Fatal(err)
	}
	groups := groupsOf(t, writtenTo(t, d))
	of := convert.Report(&report.Report{Examinations: []report.Examination{{Modality: "CT", Result: r}}}).GetAnalyses()[0]
	compared := 0
	for _, v := range of.GetVertebrae() {
		g, ok := groups[v.GetLevel().String()+" vertebra"]
		if !ok {
			t.Errorf("no group of %v", v.GetLevel())
			continue
		}
		leaves("", v.ProtoReflect(), func(path string, want float64) {
			if strings.Contains(path, "_direction.") {
				return // how to draw the endplate's line, which is no measurement
			}
			compared++
			if problem := g.compare(path, want, v); problem != "" {
				t.Errorf("%v %s: %s", v.GetLevel(), path, problem)
			}
		})
		if where, _ := code.Level(spine.Level(v.GetLevel())); g.Site != where.Value {
			t.Errorf("%v: finding site %s", v.GetLevel(), g.Site)
		}
	}
	for _, a := range of.GetAngles() {
		compareAngle(t, groups, a)
	}
	t.Logf("%d numbers compared", compared)
}

func compareAngle(t *testing.T, groups map[string]group, a *endplatev1.Angle) {
	t.Helper()
	for identifier, g := range groups {
		if !strings.Contains(identifier, a.GetFrom()+" to "+a.GetTo()) {
			continue
		}
		for _, n := range g.Numbers {
			if near(n.Value, a.GetDegrees()) && near(n.SD, a.GetSdDeg()) && n.Unit == "deg" {
				return
			}
		}
	}
	t.Errorf("no group of %v", a)
}

// near reports whether a number is the one of the JSON, which is rounded to 10⁻⁴.
func near(got *float64, want float64) bool { return got != nil && math.Abs(*got-want) <= 0.51e-4 }

// compare returns what is wrong with the number at a path of the JSON; empty if it is
// right.
func (g group) compare(path string, want float64, v *endplatev1.Vertebra) string {
	parent, last, _ := cutLast(path)
	if c, ok := points[parent]; ok && len(last) == 1 {
		at := g.Points[c.Value]
		if i := int(last[0] - 'x'); len(at) != 3 || math.Abs(at[i]-want) > 2e-4 { // FL holds seven digits
			return fmt.Sprintf("is at %v, want %s = %g", at, last, want)
		}
		return ""
	}
	if parent, ok := strings.CutPrefix(path, "posterior_wall.criteria."); ok {
		return g.compareCriterion(parent, want)
	}
	switch path {
	case "heights.sd_mm":
		h := v.GetHeights()
		return differs(new(max(h.GetAnteriorSdMm(), h.GetMiddleSdMm(), h.GetPosteriorSdMm())), want)
	case "heights.expected_sd_mm":
		sum := 0.0
		for _, which := range []string{"anterior", "middle", "posterior"} {
			if sd := g.Numbers["expected "+which+" height"].SD; sd != nil {
				sum += *sd * *sd
			}
		}
		return differs(new(math.Sqrt(sum/3)), want)
	}
	name, known := names[path]
	if !known {
		return "the report has no name for it"
	}
	n, ok := g.Numbers[strings.TrimSuffix(name, "±")]
	switch unit := unitOf(path); {
	case !ok:
		return "is not there"
	case unit != "" && n.Unit != unit:
		return fmt.Sprintf("unit %q, want %q", n.Unit, unit)
	case strings.HasSuffix(name, "±"):
		if want == 0 && n.SD == nil {
			return ""
		}
		return differs(n.SD, want)
	}
	return differs(n.Value, want)
}

func (g group) compareCriterion(path string, want float64) string {
	name, last, _ := cutLast(path)
	n := g.Numbers["criterion "+name]
	switch {
	case last == "value":
		return differs(n.Value, want)
	case last == "sd" && want == 0 && n.SD == nil:
		return ""
	case last == "sd":
		return differs(n.SD, want)
	}
	return differs(g.Numbers["cut of criterion "+name].Value, want)
}

func differs(got *float64, want float64) string {
	if near(got, want) {
		return ""
	}
	if got == nil {
		return fmt.Sprintf("is not there, want %g", want)
	}
	return fmt.Sprintf("is %g, want %g", *got, want)
}

func cutLast(path string) (before, last string, found bool) {
	i := strings.LastIndex(path, ".")
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// What was not measured says so where the number would stand.
func TestWhatIsNotMeasuredSaysWhy(t *testing.T) {
	d, err := sr.Report(originOf(t, "a"), measured(t), provenance())
	if err != nil {
		t.Fatal(err)
	}
	n := groupsOf(t, writtenTo(t, d))["L5 vertebra"].Numbers["anterior height"]
	if n.Value != nil || n.Why != code.NotAttempted.Value || n.Because != "the volume ends at the body" {
		t.Errorf("%+v", n)
	}
}
