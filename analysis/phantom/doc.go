// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package phantom makes synthetic spines with exact truth: a chain of vertebral
// bodies with concave endplates, cortical shells, arches, ribs, sacrum and soft
// tissue, rendered as a CT through a stated point spread function.
//
// New builds a Spine from Params, which Random draws. Spine.CT renders it,
// Spine.Labels labels it, Spine.Truth tells the six morphometry points, heights,
// angles and volumes, evaluated on the analytic surfaces and not on the
// rendering.
//
// The rendering is exact to first order: every surface is taken as flat over
// the width of the in-plane kernel and of one sub-slice (0.2 to 0.3 mm), which
// errs by the kernel's variance over twice the radius of curvature, some
// 0.01 mm at an endplate. The slice profile is integrated over sub-slices.
//
// There is no vertebra above C3, no head, no limb; organs are only sketched.
package phantom
