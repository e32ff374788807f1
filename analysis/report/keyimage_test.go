// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"image"
	"sync"
	"testing"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/report"
)

// pictured is made once.
var pictured = sync.OnceValue(madeVolume)

func keyImages(t *testing.T, r *analysis.Result) []report.KeyImage {
	t.Helper()
	all, err := report.KeyImages(pictured(), r, "endplate test")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// difference returns the box around the pixels in which two pictures differ.
func difference(a, b *image.RGBA) image.Rectangle {
	var box image.Rectangle
	for y := range a.Rect.Dy() {
		p, q := a.Pix[y*a.Stride:][:a.Stride], b.Pix[y*b.Stride:][:b.Stride]
		if bytes.Equal(p, q) {
			continue
		}
		for n := range p {
			if p[n] != q[n] {
				box = box.Union(image.Rect(n/4, y, n/4+1, y+1))
			}
		}
	}
	return box
}

// What is measured of a vertebra stands in a line of its own, in the order of the
// spine, and beside the picture, not on it.
func TestKeyImageHasALineForEachVertebra(t *testing.T) {
	before := keyImages(t, madeResult())
	after := map[int][]report.KeyImage{}
	for _, i := range []int{0, 2, 3} {
		r := madeResult()
		other := *r.Vertebrae[i].Heights
		other.Anterior += 11.1
		other.Posterior += 11.1
		r.Vertebrae[i].Heights = &other
		after[i] = keyImages(t, r)
	}
	if len(before) != 2 || before[0].Name != "sagittal" || before[1].Name != "straightened" {
		t.Fatalf("key images %+v", before)
	}
	for n, k := range before {
		last := image.Rectangle{}
		for _, i := range []int{0, 2, 3} {
			box := difference(k.Picture, after[i][n].Picture)
			if box.Empty() || box.Dy() > 18 || box.Min.X < k.Picture.Rect.Dx()/4 {
				t.Errorf("%s: heights of vertebra %d change the picture at %v", k.Name, i, box)
			}
			if box.Min.Y < last.Max.Y {
				t.Errorf("%s: the line of vertebra %d at %v meets that before at %v", k.Name, i, box, last)
			}
			last = box
		}
	}
}

// Without a spine, or an image, there is nothing to show.
func TestNoKeyImage(t *testing.T) {
	if all := keyImages(t, &analysis.Result{Reason: "no spine was found"}); len(all) > 0 {
		t.Errorf("%d key images of nothing", len(all))
	}
	if all, err := report.KeyImages(nil, madeResult(), "endplate"); err != nil || len(all) > 0 {
		t.Errorf("%d key images without an image: %v", len(all), err)
	}
	without := madeResult()
	without.Canal = nil
	if all := keyImages(t, without); len(all) != 1 {
		t.Errorf("%d key images without a canal, want 1", len(all))
	}
}
