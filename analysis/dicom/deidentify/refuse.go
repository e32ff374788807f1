// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify

import (
	"slices"
	"strings"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// RefusedError tells why an instance cannot be de-identified by this profile.
type RefusedError struct {
	SOPClassUID string
	Reason      Reason
}

func (e *RefusedError) Error() string {
	return "cannot be de-identified: " + string(e.Reason) + ", SOP class " + e.SOPClassUID
}

// Reason is why an instance is refused.
type Reason string

// The reasons.
const (
	// ReasonBurnedIn: BurnedInAnnotation is YES, or something other than NO.
	ReasonBurnedIn Reason = "text is burned into the pixels"
	// ReasonSecondaryCapture: a secondary capture that does not say that it has no
	// burned in annotation.
	ReasonSecondaryCapture Reason = "a secondary capture may have text burned in"
	// ReasonFreeText: reports, documents, presentation states, waveforms.
	ReasonFreeText Reason = "the object holds free text or a document"
	// ReasonDirectory: a DICOMDIR.
	ReasonDirectory Reason = "a directory is no instance"
)

// Flag is something that the profile leaves to the caller's judgement.
type Flag string

// The flags.
const (
	// FlagMayHaveText: pixels of a kind that often shows text, and the instance
	// does not say that it has none.
	FlagMayHaveText Flag = "MAY_HAVE_BURNED_IN_TEXT"
	// FlagVisualFeatures: RecognizableVisualFeatures is YES.
	FlagVisualFeatures Flag = "RECOGNIZABLE_VISUAL_FEATURES"
	// FlagOverlayInPixels: an overlay was drawn in unused bits of the pixels, where
	// it still is.
	FlagOverlayInPixels Flag = "OVERLAY_IN_PIXEL_DATA"
)

const storage = "1.2.840.10008.5.1.4.1.1."

// SOP classes, or what those of a kind begin with. PS3.4 B.5.
var (
	directories       = []string{"1.2.840.10008.1.3.10"}
	secondaryCaptures = []string{storage + "7", storage + "7."}
	freeText          = []string{storage + "9.", storage + "11.", storage + "88.", storage + "104."}
	// Ultrasound, endoscopy and photographs, the older ultrasound classes.
	oftenWithText = []string{storage + "3", storage + "3.", storage + "6", storage + "6.", storage + "77."}
)

// of reports whether a SOP class is among those of a kind.
func of(class string, kind []string) bool {
	return slices.ContainsFunc(kind, func(k string) bool {
		return class == k || strings.HasSuffix(k, ".") && strings.HasPrefix(class, k)
	})
}

// refused returns an error if the instance is of a kind that the profile cannot
// clean. The file meta information may name another SOP class than the data set.
func (s *survey) refused(metaClass string) error {
	burnedIn := strings.ToUpper(s.burnedIn)
	for _, class := range []string{s.sopClass, metaClass} {
		var reason Reason
		switch {
		case burnedIn != "" && burnedIn != "NO":
			reason = ReasonBurnedIn
		case of(class, secondaryCaptures) && burnedIn != "NO":
			reason = ReasonSecondaryCapture
		case of(class, freeText):
			reason = ReasonFreeText
		case of(class, directories):
			reason = ReasonDirectory
		default:
			continue
		}
		return &RefusedError{SOPClassUID: element.ValidUID(class), Reason: reason}
	}
	return nil
}

// flags returns what to be wary of.
func (s *survey) flags() []Flag {
	var flags []Flag
	// A CT that is derived and secondary may be a dose report or a saved screen.
	kinds := strings.Split(s.imageType, `\`)
	capture := len(kinds) > 1 && kinds[0] == "DERIVED" && kinds[1] == "SECONDARY"
	if s.pixels && s.burnedIn == "" && (capture || of(s.sopClass, oftenWithText)) {
		flags = append(flags, FlagMayHaveText)
	}
	if strings.EqualFold(s.visibleFeatures, "YES") {
		flags = append(flags, FlagVisualFeatures)
	}
	if s.overlayBits {
		flags = append(flags, FlagOverlayInPixels)
	}
	return flags
}
