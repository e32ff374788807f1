// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package network runs the two small convolutional networks that read radiographs, in plain
// Go: [Spotter] finds bodies on a whole film, [Corners] the six points of one body. They
// learnt from rendered films alone; analysis/radiograph/train has how, weights/README.md
// what came of it.
//
// A network is a list of layers, of three kinds (convolution of 1 or 3 pixels, doubling,
// sum), which its file holds with the weights. Tensors are float32, rows of columns of
// channels.
package network
