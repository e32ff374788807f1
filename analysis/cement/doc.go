// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package cement finds bone cement (PMMA) in and beside vertebral bodies: how
// much there is, where it lies, and where it leaked to.
//
// Search collects, from a canonical CT volume alone, lumps denser than bone.
// Dense.Removed gives the volume with bone in their place, in which the other
// stages find vertebrae and outline bodies as if there were no cement; with the
// cement they take its surface for an endplate. Dense.Find then tells of each
// lump which body it lies in, and tells cement from metal by its place, shape
// and saturation.
//
// Volumes are sums of partial volumes: what a voxel reads above its surroundings,
// as a part of what cement reads above them. They do not depend on the slice
// thickness as long as the cement somewhere fills a voxel.
//
// Limits. The attenuation of PMMA depends on its opacifier (barium sulphate,
// zirconium dioxide) and the tube voltage, and no published range was found: the
// thresholds are design values, said so where they stand. Dense bone islands and
// sclerotic metastases reach the attenuation of faint cement: Confidence says
// where that is possible. A stent or a screw wholly inside a body is told from
// cement only by saturation and straightness. Metal near by takes cement within
// 2 mm of it for itself.
package cement
