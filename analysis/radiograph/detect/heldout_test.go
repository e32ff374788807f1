// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/radiograph/train"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Films of made spines and of CTs that took no part in training: other seeds, other voxels,
// larger films with finer pixels, turned farther and upside down.
var heldOut = train.Style{Columns: 640, Rows: 800, FinestPixel: 0.48, WidestPixel: 0.66, MostTurn: 20, UpsideDown: true, Blur: 0.15}

// heldOutSeed is beyond all that film-set draws.
const heldOutSeed = 900_000

// heldOutFilms says which films of made spines are measured: few and coarse in a usual run.
//
//	ENDPLATE_FILMS=125       so many patients
//	ENDPLATE_FILMS_FROM=25   from this one on, of a run in parts
//	ENDPLATE_FILMS_KEPT=DIR  where rendered films, and the tallies of each part, are kept
type heldOutFilms struct {
	first, patients, films int
	pixel, slice           float64 // of the made patients, mm
	kept                   string
	many                   bool
}

func heldOutOf() heldOutFilms {
	n, err := strconv.Atoi(os.Getenv("ENDPLATE_FILMS"))
	if err != nil {
		return heldOutFilms{patients: 1, films: 1, pixel: 2, slice: 3}
	}
	first, _ := strconv.Atoi(os.Getenv("ENDPLATE_FILMS_FROM"))
	return heldOutFilms{first, n, 4, 1.5, 1.5, os.Getenv("ENDPLATE_FILMS_KEPT"), true}
}

// made returns films of a made patient: rendered, or as kept from an earlier run.
func (h *heldOutFilms) made(seed uint64) *rendering {
	return &rendering{name: fmt.Sprint("made", seed), kept: h.kept, draw: func() *train.Patient {
		return train.Phantom(seed, h.pixel, h.slice)
	}}
}

// rendering renders films of one patient, who is drawn at the first that is not kept.
type rendering struct {
	name, kept string
	draw       func() *train.Patient
	patient    *train.Patient
}

// keptFilm is a film whose pixels are as the detector stores them, 12 bits each.
type keptFilm struct {
	Film   train.Film
	Stored []uint16
}

const keptFull = 4095

func (r *rendering) film(t *testing.T, seed uint64, style train.Style) *train.Film {
	t.Helper()
	path := filepath.Join(r.kept, fmt.Sprintf("%s-%d-%x.film", r.name, seed, crc32.ChecksumIEEE(fmt.Append(nil, style))))
	if f := readFilm(t, path); r.kept != "" && f != nil {
		return f
	}
	if r.patient == nil {
		r.patient = r.draw()
	}
	f := r.patient.Film(seed, style, false)
	if r.kept != "" {
		writeFilm(t, path, f)
	}
	return f
}

func writeFilm(t *testing.T, path string, f *train.Film) {
	t.Helper()
	k := keptFilm{Film: *f}
	for _, v := range f.Image.Samples {
		k.Stored = append(k.Stored, uint16(math.Round(keptFull*float64(v))))
	}
	m := *f.Image
	m.Samples = nil
	k.Film.Image = &m
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(k); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".part", b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		t.Fatal(err)
	}
}

// readFilm returns the film kept at path; nil where there is none.
func readFilm(t *testing.T, path string) *train.Film {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var k keptFilm
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&k); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	k.Film.Image.Samples = make([]float32, len(k.Stored))
	for i, s := range k.Stored {
		k.Film.Image.Samples[i] = float32(s) / keptFull
	}
	return &k.Film
}

// sum keeps the tallies of a part and returns those of all parts that are kept.
func (h *heldOutFilms) sum(t *testing.T, name string, part map[string]*filmTally) map[string]*filmTally {
	t.Helper()
	if h.kept == "" {
		return logged(t, part)
	}
	path := filepath.Join(h.kept, fmt.Sprintf("%s-%d.tally", name, h.first))
	b, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	parts, err := filepath.Glob(filepath.Join(h.kept, name+"-*.tally"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*filmTally{}
	for _, p := range parts {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		var one map[string]*filmTally
		if err := json.Unmarshal(b, &one); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		for k, y := range one {
			if all[k] == nil {
				all[k] = &filmTally{}
			}
			all[k].plus(y)
		}
	}
	return logged(t, all)
}

func logged(t *testing.T, all map[string]*filmTally) map[string]*filmTally {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		all[name].log(t, name)
	}
	return all
}

// twoSeeds draws two centres, two to four levels apart, with a reader's scatter of 2 mm.
func twoSeeds(rng *rand.Rand, f *train.Film) []outline.Seed {
	first := slices.IndexFunc(f.Column, func(v train.Shown) bool { return v.Level >= spine.T4 })
	last := len(f.Column) - 1
	if last >= 0 && f.Column[last].SuperiorOnly {
		last--
	}
	if first < 0 || last-first < 2 {
		return nil
	}
	i := first + rng.IntN(last-first-1)
	j := i + 2 + rng.IntN(min(3, last-i-1))
	var seeds []outline.Seed
	for _, k := range []int{i, j} {
		c := f.Column[k].Center
		seeds = append(seeds, outline.Seed{Level: f.Column[k].Level, Center: radiograph.ImagePoint{
			Col: c.Col + 2*rng.NormFloat64()/f.Unit, Row: c.Row + 2*rng.NormFloat64()/f.Unit,
		}})
	}
	return seeds
}

// moved returns a film whose pixels and points lie elsewhere: at tells where, of columns and
// rows within the film.
func moved(f *train.Film, at func(p radiograph.ImagePoint) radiograph.ImagePoint) *train.Film {
	out := *f
	m := f.Image
	out.Image = &radiograph.Image{Columns: m.Columns, Rows: m.Rows, Samples: make([]float32, len(m.Samples))}
	for i, v := range m.Samples {
		p := at(radiograph.ImagePoint{Col: float64(i%m.Columns) + 0.5, Row: float64(i/m.Columns) + 0.5})
		out.Image.Samples[int(p.Row)*m.Columns+int(p.Col)] = v
	}
	out.Column, out.Unsure = slices.Clone(f.Column), slices.Clone(f.Unsure)
	origin := at(radiograph.ImagePoint{})
	for i := range out.Column {
		v := &out.Column[i]
		v.Center = at(v.Center)
		for n := range v.Points {
			v.Points[n] = at(v.Points[n])
		}
		for n, d := range v.Slopes {
			end := at(d)
			v.Slopes[n] = radiograph.ImagePoint{Col: end.Col - origin.Col, Row: end.Row - origin.Row}
		}
	}
	for i, p := range out.Unsure {
		out.Unsure[i] = at(p)
	}
	return &out
}

// mirrored returns a film seen from behind.
func mirrored(f *train.Film) *train.Film {
	out := moved(f, func(p radiograph.ImagePoint) radiograph.ImagePoint {
		return radiograph.ImagePoint{Col: float64(f.Image.Columns) - p.Col, Row: p.Row}
	})
	out.Right = !f.Right
	return out
}

// upended returns a film that lies upside down; which way anterior is does not change, as it
// is told where superior is up.
func upended(f *train.Film) *train.Film {
	return moved(f, func(p radiograph.ImagePoint) radiograph.ImagePoint {
		return radiograph.ImagePoint{Col: float64(f.Image.Columns) - p.Col, Row: float64(f.Image.Rows) - p.Row}
	})
}

// ctVolume reads a CT of the shared data.
func ctVolume(t *testing.T, name string) *volume.Volume {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		t.Skip("ENDPLATE_SHARED is not set")
	}
	dir := filepath.Join(root, "data", "ct")
	if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
		t.Skipf("no CT: %v", err)
	}
	catalog, err := dicom.Scan(t.Context(), dicom.Files(os.DirFS(dir), name), dicom.Options{})
	if err != nil || len(catalog.Stacks) == 0 {
		t.Fatalf("%s: %v, %d stacks", name, err, len(catalog.Stacks))
	}
	read, err := catalog.Stacks[0].Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return read.Volume
}

// measuredPatient is a patient whose CT was measured: what is known is no more than that.
func measuredPatient(t *testing.T, name string, v *volume.Volume) (*train.Patient, *analysis.Result) {
	t.Helper()
	r, err := analysis.MeasureCT(t.Context(), v, analysis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return train.FromCT(name, v, r), r
}
