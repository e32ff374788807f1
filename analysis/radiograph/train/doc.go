// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package train makes the films that the networks of analysis/radiograph/network learn from
// and are tried on: rendered radiographs of made spines and of CTs, with what is known of
// their vertebrae. README.md in its folder has the commands that make set and weights.
package train
