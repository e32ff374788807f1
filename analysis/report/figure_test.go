// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"errors"
	"image/png"
	"math"
	"regexp"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

// A canal on a quarter circle of 100 mm.
func circularCanal() []localization.CanalPoint {
	var canal []localization.CanalPoint
	for s := 0.0; s <= 157; s++ {
		f := onCircle(s)
		canal = append(canal, localization.CanalPoint{Position: f.Origin, Superior: f.Superior, Anterior: f.Anterior})
	}
	return canal
}

// onCircle returns the frame of circularCanal at s mm from its superior end.
func onCircle(s float64) volume.Frame {
	sin, cos := math.Sincos(s / 100)
	return volume.NewFrame(r3.Vec{Y: 100 - 100*cos, Z: -100 * sin}, r3.Vec{Y: -sin, Z: cos}, r3.Vec{Y: -cos, Z: -sin})
}

// A bright ball must appear where its centre is said to lie, in both pictures.
func TestPicturesShowWhatPlaceSays(t *testing.T) {
	canal := circularCanal()
	ball := onCircle(80).Point(0, 30, 0)
	vol := volume.New(volume.Geometry{
		Columns: 30, Rows: 220, Slices: 180,
		Origin: r3.Vec{X: -15, Y: -100, Z: -140},
		Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 1},
	})
	for k := range vol.Slices {
		for j := range vol.Rows {
			for i := range vol.Columns {
				if r3.Norm(r3.Sub(vol.Position(float64(i), float64(j), float64(k)), ball)) < 6 {
					vol.Samples[(k*vol.Rows+j)*vol.Columns+i] = 1000
				}
			}
		}
	}
	f, err := Draw(vol, &analysis.Result{Canal: canal})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.views) != 2 {
		t.Fatalf("%d pictures, want 2", len(f.views))
	}
	for _, v := range f.views {
		wantX, wantY := v.place(ball)
		gotX, gotY := brightCentroid(t, v.png)
		if math.Hypot(gotX-wantX, gotY-wantY) > pixelMM {
			t.Errorf("%s: ball at (%.2f, %.2f) mm, place says (%.2f, %.2f)", v.title, gotX, gotY, wantX, wantY)
		}
	}
}

// The shadow of a ball is a circle around the place of its centre. Voxels of 1 mm
// and pixels of 0.6 mm are off by half their diagonals at most.
func TestCementIsOutlinedWhereItLies(t *testing.T) {
	canal := circularCanal()
	const radius, size, tolerance = 7.0, 21, 1.3
	center := onCircle(80).Point(0, 0, 12) // beside the plane; on the canal, where straightening keeps lengths
	vol := volume.New(volume.Geometry{
		Columns: 60, Rows: 220, Slices: 180,
		Origin: r3.Vec{X: -30, Y: -100, Z: -140},
		Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 1},
	})
	i, j, k := vol.Indexer().Index(center)
	mask := cement.Mask{Origin: [3]int{int(i) - size/2, int(j) - size/2, int(k) - size/2}, Size: [3]int{size, size, size}}
	for n := range size * size * size {
		p := vol.Position(float64(mask.Origin[0]+n%size), float64(mask.Origin[1]+n/size%size), float64(mask.Origin[2]+n/(size*size)))
		fraction := uint8(0)
		if r3.Norm(r3.Sub(p, center)) <= radius {
			fraction = 255
		}
		mask.Fraction = append(mask.Fraction, fraction)
	}
	result := &analysis.Result{Canal: canal, Vertebrae: []analysis.Vertebra{{Cement: &cement.Treated{Mask: mask}}}}
	f, err := Draw(vol, result)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range f.views {
		x, y := v.place(center)
		points := regexp.MustCompile(`[ML]([-0-9.]+) ([-0-9.]+)`).FindAllStringSubmatch(v.cement, -1)
		if len(points) < 50 {
			t.Errorf("%s: outline of %d points", v.title, len(points))
		}
		for _, p := range points {
			px, errX := strconv.ParseFloat(p[1], 64)
			py, errY := strconv.ParseFloat(p[2], 64)
			if err := errors.Join(errX, errY); err != nil {
				t.Fatal(err)
			}
			if r := math.Hypot(px-x, py-y); math.Abs(r-radius) > tolerance {
				t.Errorf("%s: outline %.2f mm from the ball's centre, want %g", v.title, r, radius)
				break
			}
		}
	}
}

func brightCentroid(t *testing.T, raw []byte) (x, y float64) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for j := range picture.Bounds().Dy() {
		for i := range picture.Bounds().Dx() {
			r, _, _, _ := picture.At(i, j).RGBA()
			w := float64(r)
			sum, x, y = sum+w, x+w*(float64(i)+0.5)*pixelMM, y+w*(float64(j)+0.5)*pixelMM
		}
	}
	return x / sum, y / sum
}
