// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package code

// How an image was made of others.
var (
	SourceImage   = dcm("121322", "Source image for image processing operation", "PS3.16 CID 7202")
	Segmentation  = dcm("113076", "Segmentation", "PS3.16 CID 7203")
	Reformatting  = dcm("113072", "Multiplanar reformatting", "PS3.16 CID 7203")
	EdgeDetection = dcm("123103", "Edge Detection", "PS3.16 CID 7162")
)
