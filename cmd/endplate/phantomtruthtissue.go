// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// The truth of canal, wall, bone, cement and metal as JSON.
type (
	// truthCanal is the canal's centre at the height of the body's, and its size
	// from bone to bone where a closed ring of bone bounds it.
	truthCanal struct {
		truthPoint
		AP            *float64 `json:"ap_mm,omitempty"`
		Area          *float64 `json:"area_mm2,omitempty"`
		NarrowestAP   *float64 `json:"narrowest_ap_mm,omitempty"`
		NarrowestArea *float64 `json:"narrowest_area_mm2,omitempty"`
	}
	// truthTissue is what S1 has only attenuation and screws of.
	truthTissue struct {
		Attenuation   *truthAttenuation `json:"attenuation,omitempty"`
		PosteriorWall *truthWall        `json:"posterior_wall,omitempty"`
		Lesions       *truthLesions     `json:"lesions,omitempty"`
		VacuumCleft   *truthCleft       `json:"vacuum_cleft,omitempty"`
		DiscGas       *bool             `json:"disc_gas_below,omitempty"`
		Pedicles      *truthPedicles    `json:"pedicles,omitempty"`
		Osteophytes   []truthOsteophyte `json:"osteophytes,omitempty"`
		Cement        *truthCement      `json:"cement,omitempty"`
		Screws        []truthScrew      `json:"screws,omitempty"`
	}
	truthAttenuation struct {
		// Median is that of cancellous bone, without lesions.
		Median float64 `json:"median_hu"`
	}
	truthWall struct {
		Retropulsion float64 `json:"retropulsion_mm"`
		Gap          float64 `json:"gap_percent"`
	}
	// truthLesions holds shares of the body's volume.
	truthLesions struct {
		Lytic     float64 `json:"lytic_percent"`
		Sclerotic float64 `json:"sclerotic_percent"`
	}
	truthCleft struct {
		Present bool    `json:"present"`
		Volume  float64 `json:"volume_ml"`
	}
	truthPedicles struct {
		Left  truthPedicle `json:"left"`
		Right truthPedicle `json:"right"`
	}
	truthPedicle struct {
		Status string `json:"status"`
		// Eroded is a share of the length between body and arch.
		Eroded float64 `json:"eroded_percent"`
	}
	truthOsteophyte struct {
		Endplate string  `json:"endplate"`
		Length   float64 `json:"length_mm"` // beyond the wall
		Left     float64 `json:"left_mm"`
		Width    float64 `json:"width_mm"`
	}
	truthCement struct {
		Volume      float64      `json:"volume_ml"`
		Inside      float64      `json:"inside_ml"`
		BodyShare   float64      `json:"body_share_percent"`
		LeftShare   float64      `json:"left_share_percent"`
		Center      truthPoint   `json:"center"` // of what lies inside
		Superior    truthContact `json:"superior_contact"`
		Inferior    truthContact `json:"inferior_contact"`
		Leaks       []truthLeak  `json:"leaks"`
		Attenuation float64      `json:"attenuation_hu"`
	}
	truthContact struct {
		Gap float64 `json:"gap_mm"` // to the endplate's outer face
	}
	truthLeak struct {
		Place    string  `json:"place"`
		Volume   float64 `json:"volume_ml"`
		Distance float64 `json:"distance_mm"`
	}
	truthScrew struct {
		Side      string  `json:"side"`
		Diameter  float64 `json:"diameter_mm"`
		Length    float64 `json:"length_mm"`
		Medial    float64 `json:"medial_deg"`
		HeadWidth float64 `json:"head_width_mm"`
	}
)

func truthOfCanal(s *phantom.Spine, m phantom.Measured) truthCanal {
	c := truthCanal{truthPoint: *point(m.Canal)}
	if m.Level == spine.S1 {
		return c
	}
	if t, ok := s.Canal(m.Level); ok {
		c.AP, c.Area, c.NarrowestAP, c.NarrowestArea = &t.AP, &t.Area, &t.NarrowestAP, &t.NarrowestArea
	}
	return c
}

// truthOfTissue returns the truth of v, whose measures are m.
func truthOfTissue(v phantom.Vertebra, m phantom.Measured) truthTissue {
	t := truthTissue{Attenuation: &truthAttenuation{m.TrabecularHU}}
	for _, s := range v.Screws {
		t.Screws = append(t.Screws, truthScrew{side(s.Left > 0), s.Diameter, s.Length, s.Medial, s.HeadWidth})
	}
	if m.Level == spine.S1 {
		return t
	}
	t.PosteriorWall = &truthWall{m.Retropulsion, 100 * m.WallGap}
	t.Lesions = &truthLesions{100 * m.Tissue.LyticShare, 100 * m.Tissue.ScleroticShare}
	t.VacuumCleft = &truthCleft{m.Tissue.CleftVolume > 0, m.Tissue.CleftVolume}
	t.DiscGas = &m.Tissue.DiscGas
	t.Pedicles = &truthPedicles{truthOfPedicle(m.Tissue.LeftErosion), truthOfPedicle(m.Tissue.RightErosion)}
	for _, o := range v.Osteophytes {
		t.Osteophytes = append(t.Osteophytes, truthOsteophyte{o.Endplate.String(), o.Length, o.Left, o.Width})
	}
	if m.Cement != nil {
		t.Cement = truthOfCement(m.Cement, m.Volume, v.Cement.HU)
	}
	return t
}

func side(left bool) string {
	if left {
		return "LEFT"
	}
	return "RIGHT"
}

func truthOfPedicle(eroded float64) truthPedicle {
	status := "PRESENT"
	if eroded > 0 {
		status = "ERODED_OR_LYTIC"
	}
	return truthPedicle{status, 100 * eroded}
}

// truthOfCement returns the truth of cement of the given attenuation in a body of the
// given volume, mm³.
func truthOfCement(m *phantom.MeasuredCement, volume, hu float64) *truthCement {
	c := &truthCement{
		Volume: m.Volume, Inside: m.Inside, BodyShare: 100 * 1000 * m.Inside / volume, LeftShare: 100 * m.Left,
		Center: *point(m.Center), Superior: truthContact{m.SuperiorGap}, Inferior: truthContact{m.InferiorGap},
		Leaks: []truthLeak{}, Attenuation: hu,
	}
	for _, l := range m.Leaks {
		place := [...]string{
			phantom.CanalLeak: "CANAL", phantom.ForaminalLeak: "FORAMEN", phantom.ParavertebralLeak: "PARAVERTEBRAL",
			phantom.SuperiorDiscLeak: "SUPERIOR_DISC", phantom.InferiorDiscLeak: "INFERIOR_DISC",
		}[l.Place]
		c.Leaks = append(c.Leaks, truthLeak{place, l.Volume, l.Distance})
	}
	return c
}
