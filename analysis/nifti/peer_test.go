// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package nifti_test

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/nifti"
)

// nibabelWrites writes files of several kinds into the folder given and prints,
// for each, what nibabel itself reads: where voxel (1, 2, 3) lies, RAS mm, and
// its value.
const nibabelWrites = `
import json, sys
import nibabel as nib
import numpy as np

rng = np.random.default_rng(1)
out = []

def oblique():
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    a = np.eye(4)
    a[:3, :3] = q * rng.uniform(0.5, 3, 3)
    a[:3, 3] = rng.normal(scale=100, size=3)
    return a

for n, dtype in enumerate([np.int16, np.uint8, np.float32, np.int32, np.float64, np.uint16]):
    for cls, ext in [(nib.Nifti1Image, '.nii.gz'), (nib.Nifti2Image, '.nii')]:
        for code in 'sq':
            data = rng.integers(0, 200, size=(4, 5, 6)).astype(dtype)
            image = cls(data, oblique())
            image.set_sform(image.affine, code=1 if code == 's' else 0)
            image.set_qform(image.affine, code=1)
            if n % 2:
                image.header.set_slope_inter(2, -50)
            path = f'{sys.argv[1]}/{cls.__name__}{n}{code}{ext}'
            nib.save(image, path)
            back = nib.load(path)
            out.append({
                'path': path,
                'position': (back.affine @ [1, 2, 3, 1])[:3].tolist(),
                'value': float(back.get_fdata()[1, 2, 3]),
            })
print(json.dumps(out))
`

// Files that nibabel writes are read as nibabel reads them.
func TestAgainstNibabel(t *testing.T) {
	python := "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import nibabel").Run(); err != nil {
		t.Skipf("nibabel absent: %v", err)
	}
	printed, err := exec.Command(python, "-c", nibabelWrites, t.TempDir()).Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []struct {
		Path     string
		Position [3]float64
		Value    float64
	}
	if err := json.Unmarshal(printed, &files); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		file, err := os.Open(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		v, err := nifti.ReadVolume(file)
		file.Close()
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(f.Path), err)
			continue
		}
		want := r3.Vec{X: -f.Position[0], Y: -f.Position[1], Z: f.Position[2]}
		if got := v.Position(1, 2, 3); r3.Norm(r3.Sub(got, want)) > 1e-3 {
			t.Errorf("%s: voxel (1, 2, 3) at %v, want %v", filepath.Base(f.Path), got, want)
		}
		if got := v.Samples[(3*v.Rows+2)*v.Columns+1]; math.Abs(float64(got)-f.Value) > 0.5 {
			t.Errorf("%s: value %d, want %g", filepath.Base(f.Path), got, f.Value)
		}
	}
}
