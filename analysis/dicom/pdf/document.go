// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/endplate/endplate/analysis/report"
)

const title = "Vertebral measurements on CT"

// The pages, A4 across, mm.
const (
	pageWidth, pageHeight = 297.0, 210.0
	margin                = 12.0
	foot                  = 8.0
	lineHeight            = 3.1
)

// The sizes of letters, points: a line of the smaller ones holds the widest table.
const (
	smallSize = 7.0
	largeSize = 13.0
)

// document returns the pictures of a report, and the tables and findings of
// report.WriteTable, as a PDF document. The same arguments give the same bytes.
func document(r *report.Report, pictures []report.KeyImage, by string, created time.Time) ([]byte, error) {
	var text, b bytes.Buffer
	if err := report.WriteTable(&text, r, report.Colors{}); err != nil {
		return nil, err
	}
	p := newPages(by, created)
	p.pictures(pictures)
	p.lines(text.String())
	if err := p.Output(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// pages is a document in the making. Its letters are those that every reader of PDF
// has: of fonts that are embedded the library does not always write the same bytes.
type pages struct {
	*fpdf.Fpdf
	encode func(string) string // into CP1252
}

// spelled are the characters of reports that CP1252 has not.
var spelled = strings.NewReplacer("≥", ">=", "≤", "<=", "−", "-", "√", "sqrt ", "→", "->", "\u00a0", " ")

// text returns text as the letters have it.
func (p pages) text(s string) string { return p.encode(spelled.Replace(s)) }

func newPages(by string, created time.Time) pages {
	p := pages{Fpdf: fpdf.New("L", "mm", "A4", "")}
	p.encode = p.UnicodeTranslatorFromDescriptor("cp1252")
	p.SetCreationDate(created)
	p.SetModificationDate(created)
	p.SetCatalogSort(true) // the same order of objects each time
	p.SetProducer(by, true)
	p.SetTitle(title, true)
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(true, margin+foot)
	p.AliasNbPages("{pages}")
	p.SetFooterFunc(func() {
		p.SetY(-margin - foot/2)
		p.SetFont("Courier", "", smallSize)
		p.CellFormat(0, lineHeight, p.text(by+". "+report.Disclaimer), "", 0, "L", false, 0, "")
		p.CellFormat(0, lineHeight, fmt.Sprintf("page %d of {pages}", p.PageNo()), "", 0, "R", false, 0, "")
	})
	return p
}

// pictures puts the pictures side by side on a page of their own, as one: of several of
// the same width the library's order is not always the same.
func (p pages) pictures(all []report.KeyImage) {
	if len(all) == 0 {
		return
	}
	p.AddPage()
	p.SetFont("Helvetica", "B", largeSize)
	p.CellFormat(0, 8, title, "", 1, "L", false, 0, "")
	together, starts := beside(all)
	size, top := together.Rect.Size(), p.GetY()+5
	scale := min((pageWidth-2*margin)/float64(size.X), (pageHeight-top-margin-foot)/float64(size.Y))
	p.SetFont("Courier", "", smallSize)
	for n := range all {
		p.SetXY(margin+scale*float64(starts[n]), top-4)
		p.CellFormat(0, lineHeight, p.text(all[n].Title), "", 0, "L", false, 0, "")
	}
	var b bytes.Buffer
	if err := png.Encode(&b, together); err != nil {
		p.SetError(err)
		return
	}
	opt := fpdf.ImageOptions{ImageType: "PNG"}
	p.RegisterImageOptionsReader("pictures", opt, &b)
	p.ImageOptions("pictures", margin, top, scale*float64(size.X), scale*float64(size.Y), false, opt, 0, "")
}

// beside returns pictures side by side, in equal parts of what is as wide as a page, so
// that there is room above for their titles, and where each begins.
func beside(all []report.KeyImage) (together *image.RGBA, starts []int) {
	const gap, aspect = 16, 1.7 // pixels; of the room on a page
	part, height := 0, 0
	for n := range all {
		size := all[n].View.Bounds().Size()
		part, height = max(part, size.X+gap), max(height, size.Y)
	}
	part = max(part, int(aspect*float64(height))/len(all))
	for n := range all {
		starts = append(starts, n*part)
	}
	width := part * len(all)
	together = image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(together, together.Rect, image.White, image.Point{}, draw.Src)
	for n := range all {
		b := all[n].View.Bounds()
		draw.Draw(together, b.Sub(b.Min).Add(image.Pt(starts[n], 0)), all[n].View, b.Min, draw.Src)
	}
	return together, starts
}

// lines writes text line by line, and long lines wrapped.
func (p pages) lines(text string) {
	p.AddPage()
	for n, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		style := ""
		if n == 0 || strings.HasPrefix(line, "level ") {
			style = "B"
		}
		p.SetFont("Courier", style, smallSize)
		if line == "" {
			p.Ln(lineHeight)
			continue
		}
		p.MultiCell(0, lineHeight, p.text(line), "", "L", false)
	}
}
