// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package radiograph holds projection images: samples, where they lie on the film,
// and what is known of the scale. A film has no depth: its points are columns and
// rows, and a distance on it is one in the patient only through a stated
// magnification.
package radiograph
