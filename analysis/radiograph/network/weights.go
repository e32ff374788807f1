// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	_ "embed"
	"sync"
)

//go:embed weights/spotter.net
var spotterFile []byte

//go:embed weights/corners.net
var cornersFile []byte

var (
	spotter = sync.OnceValue(func() *Net { return embedded(spotterFile) })
	corners = sync.OnceValue(func() *Net { return embedded(cornersFile) })
)

// Spotter returns the network that sees a whole film, 192 × 192 pixels of two channels, and
// tells for each 4 × 4 of them whether a body's centre lies there, which way the next one
// and anterior are, and which level it looks like.
func Spotter() *Net { return spotter() }

// Corners returns the network that sees one body, 64 × 64 pixels of two channels, and tells for
// each 2 × 2 of them how likely each of its points lies there.
func Corners() *Net { return corners() }

func embedded(file []byte) *Net {
	n, err := Read(file)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return n
}
