// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package network

func tiled(dst, x []float32, xStep int, w []float32, outputs, n, pixels int) int { return 0 }
