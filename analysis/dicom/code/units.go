// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package code

// Units.
var (
	Millimetre       = ucum("mm", "millimeter", "PS3.16 CID 7460")
	SquareMillimetre = ucum("mm2", "square millimeter", "PS3.16 CID 7461")
	Millilitre       = ucum("ml", "milliliter", "UCUM")
	Degree           = ucum("deg", "degree", "UCUM")
	Percent          = ucum("%", "Percent", "PS3.16 CID 7181")
	Hounsfield       = ucum("[hnsf'U]", "Hounsfield unit", "PS3.16 CID 7181")
	Kilovolt         = ucum("kV", "kilovolt", "UCUM")
	Day              = ucum("d", "day", "UCUM")
	Ratio            = ucum("{ratio}", "ratio", "PS3.16 CID 7181")
	Pixels           = ucum("{pixels}", "pixels", "UCUM")
	NoUnits          = ucum("1", "no units", "PS3.16 CID 7181")
)
