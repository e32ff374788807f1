// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package warp makes another examination of a patient from a CT: the patient
// lying differently, seen in other slices, one vertebra fractured and treated.
// What was done is known exactly at every point.
//
// Reposition moves the patient rigidly. All maps are in LPS millimetres.
package warp
