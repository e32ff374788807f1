// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"image"
	"math"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/image/draw"

	"github.com/endplate/endplate/analysis/dicom/frame"
)

// view is how a picture is to be.
type view struct {
	window  *frame.Window // nil for the image's own
	quality int           // of JPEG, 1 to 100

	width, height int // within which it is to be; 0 for its own
	// The part of the image that is shown, in its pixels; width and height are 0 for all
	// that is right and below, and negative where it is mirrored.
	x, y, w, h float64
}

const (
	qualityDefault = 90
	largestSide    = 4096 // pixels of a picture that is scaled
)

// parseView reads the parameters of a rendered resource. A picture for which no
// viewport is given is at most side pixels high and wide; 0 for no limit.
//
// Reference: DICOM PS3.18 section 8.3.5.
func parseView(parameters url.Values, side int) (*view, error) {
	v := &view{quality: qualityDefault, width: side, height: side}
	for name, parse := range map[string]func(string) bool{"window": v.parseWindow, "viewport": v.parseViewport, "quality": v.parseQuality} {
		if values := parameters[name]; len(values) > 1 || len(values) == 1 && !parse(values[0]) {
			return nil, invalid(name, "cannot be read")
		}
	}
	return v, nil
}

// parseWindow reads "center,width,function".
func (v *view) parseWindow(s string) bool {
	parts := strings.Split(s, ",")
	if len(parts) < 2 || len(parts) > 3 {
		return false
	}
	center, err1 := strconv.ParseFloat(parts[0], 64)
	width, err2 := strconv.ParseFloat(parts[1], 64)
	v.window = &frame.Window{Center: center, Width: width}
	if len(parts) == 3 {
		v.window.Function = frame.Function(strings.ToUpper(strings.ReplaceAll(parts[2], "-", "_")))
	}
	return err1 == nil && err2 == nil && v.window.Valid()
}

// parseQuality reads a number of 1 to 100.
func (v *view) parseQuality(s string) bool {
	var err error
	v.quality, err = strconv.Atoi(s)
	return err == nil && v.quality >= 1 && v.quality <= 100
}

// parseViewport reads "width,height" and "width,height,x,y,w,h"; of the latter four
// each may be empty.
func (v *view) parseViewport(s string) bool {
	parts := strings.Split(s, ",")
	if len(parts) != 2 && len(parts) != 6 {
		return false
	}
	for i, to := range []*int{&v.width, &v.height} {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 1 || n > largestSide {
			return false
		}
		*to = n
	}
	for i, to := range []*float64{&v.x, &v.y, &v.w, &v.h}[:len(parts)-2] {
		if parts[2+i] == "" {
			continue
		}
		n, err := strconv.ParseFloat(parts[2+i], 64)
		if err != nil || math.IsNaN(n) || math.Abs(n) > math.MaxUint16 || i < 2 && n < 0 {
			return false
		}
		*to = n
	}
	return true
}

// scaled returns the part of a picture that is shown, as large as the viewport allows
// without distortion.
func (v *view) scaled(picture image.Image) (image.Image, error) {
	if v.width == 0 {
		return picture, nil
	}
	full := picture.Bounds()
	x, y := int(v.x), int(v.y)
	w, h := int(math.Abs(v.w)), int(math.Abs(v.h))
	if w == 0 {
		w = full.Dx() - x
	}
	if h == 0 {
		h = full.Dy() - y
	}
	part := image.Rect(x, y, x+w, y+h).Intersect(full)
	if part.Empty() {
		return nil, invalid("viewport", "shows nothing of the image")
	}
	scale := min(float64(v.width)/float64(part.Dx()), float64(v.height)/float64(part.Dy()))
	bounds := image.Rect(0, 0, max(1, int(math.Round(scale*float64(part.Dx())))), max(1, int(math.Round(scale*float64(part.Dy())))))
	var to draw.Image = image.NewRGBA(bounds)
	if _, grey := picture.(*image.Gray); grey {
		to = image.NewGray(bounds)
	}
	draw.CatmullRom.Scale(to, bounds, picture, part, draw.Src, nil)
	mirror(to, v.w < 0, v.h < 0)
	return to, nil
}

// mirror turns a picture round, in place.
func mirror(picture draw.Image, horizontally, vertically bool) {
	b := picture.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() / 2 {
			if !horizontally {
				break
			}
			swap(picture, x, y, b.Dx()-1-x, y)
		}
	}
	for y := range b.Dy() / 2 {
		for x := range b.Dx() {
			if !vertically {
				return
			}
			swap(picture, x, y, x, b.Dy()-1-y)
		}
	}
}

func swap(picture draw.Image, x1, y1, x2, y2 int) {
	a, b := picture.At(x1, y1), picture.At(x2, y2)
	picture.Set(x1, y1, b)
	picture.Set(x2, y2, a)
}
