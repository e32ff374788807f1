// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package render makes pictures of an examination, and tells what lies on them
// and where: planes through the volume, and pictures that follow the spine, in
// grey, with or without contours, points and names.
//
// A volume and what was measured in it make a Scene. Its views, such as
// Scene.Plane and Scene.Straightened, return a Geometry: how many pixels there
// are and where each lies in the patient. Scene.Render fills it with grey and
// draws what Scene.Overlay lists; the list alone serves who draws for himself.
//
// Sagittal pictures show anterior to the left and superior above, axial and
// coronal ones the patient's left to the right, axial ones anterior above. A
// picture shows the attenuation between voxels by trilinear interpolation, the
// mean over a slab where one is asked for.
package render
