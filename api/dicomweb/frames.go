// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis/dicom/frame"
	"github.com/endplate/endplate/analysis/dicom/metadata"
	"github.com/endplate/endplate/analysis/dicom/transcode"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// mostFrames bounds the frames that one request may list.
const mostFrames = 10_000

// parseFrames reads the list of frames of a path.
func parseFrames(list string) ([]int, error) {
	var all []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 1 {
			return nil, fault.InvalidFields(fault.Violation{Field: "frames", Description: "no list of numbers from 1"})
		}
		if all = append(all, int(n)); len(all) > mostFrames {
			return nil, fault.InvalidFields(fault.Violation{Field: "frames", Description: "too many"})
		}
	}
	return all, nil
}

// compressedMedia returns the media type of frames in a transfer syntax; "" for one
// that does not compress. PS3.18 table 8.7.3-5.
func compressedMedia(syntax string) string {
	const compressed = "1.2.840.10008.1.2."
	switch strings.TrimPrefix(syntax, compressed) {
	case "4.50", "4.51", "4.57", "4.70":
		return mediaJPEG
	case "4.80", "4.81":
		return "image/jls"
	case "4.90", "4.91":
		return "image/jp2"
	case "4.201", "4.202", "4.203":
		return "image/jphc"
	case "5":
		return "image/dicom-rle"
	}
	return ""
}

// octets offers uncompressed values.
func octets(parts bool) offer {
	return offer{mediaType: mediaAny, parts: parts, syntax: transcode.ExplicitVRLittleEndian, standard: true}
}

// frameOffers returns how frames of a stored transfer syntax can be had.
func frameOffers(syntax string, parts bool) []offer {
	offers := []offer{octets(parts)}
	if media := compressedMedia(syntax); media != "" {
		offers = append(offers, offer{mediaType: media, parts: parts, syntax: syntax, standard: true})
	}
	return offers
}

// chooseFrames chooses how frames go out: in parts, or one by itself.
func chooseFrames(a accepted, syntax string, n int) (offer, error) {
	offers := frameOffers(syntax, true)
	if n == 1 {
		offers = append(offers, frameOffers(syntax, false)...)
	}
	o, ok := a.choose(offers...)
	if !ok {
		return offer{}, notAcceptable("these frames")
	}
	return o, nil
}

// frames delivers frames.
//
// Reference: DICOM PS3.18 section 10.4.1.1.6.
func (s *service) frames(w http.ResponseWriter, r *http.Request) error {
	numbers, err := parseFrames(r.PathValue("frames"))
	if err != nil {
		return err
	}
	instances, err := s.targets(r)
	if err != nil {
		return err
	}
	return s.deliverFrames(w, r, instances[0], func(*frame.Image) []int { return numbers }, len(numbers))
}

// deliverFrames delivers the frames that numbers names; n of them, 0 if that is not
// known before.
func (s *service) deliverFrames(w http.ResponseWriter, r *http.Request, i store.Instance, numbers func(*frame.Image) []int, n int) error {
	a, err := parseAccept(r)
	if err != nil {
		return err
	}
	content, err := s.Store.OpenInstance(r.Context(), i)
	if err != nil {
		return err
	}
	defer content.Close()
	image, err := frame.Open(content, i.Size)
	if err != nil {
		return unreadable(err)
	}
	list := numbers(image)
	o, err := chooseFrames(a, i.TransferSyntaxUID, max(n, len(list)))
	if err != nil {
		return err
	}
	for _, number := range list {
		if number > image.Frames {
			return unreadable(frame.ErrNoFrame)
		}
	}
	if unmodified(w, r, tagOf([]store.Instance{i}, "frames", r.PathValue("frames"), o.mediaType, strconv.FormatBool(o.parts))) {
		return nil
	}
	// The first frame is read before anything is said, so that an error can be.
	first, err := s.frame(r.Context(), image, list[0], o)
	if err != nil {
		return err
	}
	contentType := o.mediaType + "; transfer-syntax=" + o.syntax
	if !o.parts {
		w.Header().Set("Content-Type", contentType)
		_, err := w.Write(first)
		return err
	}
	out := newMultipart(w, o.mediaType, o.syntax, http.StatusOK)
	if r.Method == http.MethodHead {
		out.begin()
		return nil
	}
	for k, number := range list {
		b := first
		if k > 0 {
			if b, err = s.frame(r.Context(), image, number, o); err != nil {
				return err
			}
		}
		if _, err := out.part(contentType, instanceURL(s.baseURL(r), i)+"/frames/"+strconv.Itoa(number)).Write(b); err != nil {
			return err
		}
	}
	return out.end()
}

// frame returns a frame as it was chosen.
func (s *service) frame(ctx context.Context, image *frame.Image, number int, o offer) ([]byte, error) {
	if o.mediaType != mediaAny {
		b, err := image.Stored(number)
		return b, unreadable(err)
	}
	release, err := s.work(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	b, err := image.Uncompressed(ctx, number)
	return b, unreadable(err)
}

// bulkdata delivers a value that metadata names; compressed pixel data as its frames.
//
// Reference: DICOM PS3.18 section 10.4.1.1.5.
func (s *service) bulkdata(w http.ResponseWriter, r *http.Request) error {
	a, err := parseAccept(r)
	if err != nil {
		return err
	}
	instances, err := s.targets(r)
	if err != nil {
		return err
	}
	i, path := instances[0], r.PathValue("path")
	const pixelData = "7FE00010"
	if path == pixelData && compressedMedia(i.TransferSyntaxUID) != "" {
		return s.deliverFrames(w, r, i, func(m *frame.Image) []int {
			numbers := make([]int, m.Frames)
			for n := range numbers {
				numbers[n] = n + 1
			}
			return numbers
		}, 0)
	}
	o, ok := a.choose(octets(true), octets(false))
	if !ok {
		return notAcceptable("this value")
	}
	content, err := s.Store.OpenInstance(r.Context(), i)
	if err != nil {
		return err
	}
	defer content.Close()
	value, err := metadata.Find(content, path)
	if err != nil {
		return unreadable(err)
	}
	if unmodified(w, r, tagOf(instances, "bulkdata", path)) {
		return nil
	}
	contentType := mediaAny + "; transfer-syntax=" + transcode.ExplicitVRLittleEndian
	if !o.parts {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.FormatInt(value.Length, 10))
		if r.Method == http.MethodHead {
			return nil
		}
		return copied(w, value)
	}
	out := newMultipart(w, mediaAny, transcode.ExplicitVRLittleEndian, http.StatusOK)
	if r.Method == http.MethodHead {
		out.begin()
		return nil
	}
	if err := copied(out.part(contentType, instanceURL(s.baseURL(r), i)+"/bulkdata/"+path), value); err != nil {
		return err
	}
	return out.end()
}

// copied copies a value to its end.
func copied(to io.Writer, value *metadata.Value) error {
	n, err := io.Copy(to, value)
	if err == nil && n != value.Length {
		err = fault.New(fault.Corrupt, fault.StoredDataCorrupt, "an instance is shorter than it was")
	}
	return err
}
