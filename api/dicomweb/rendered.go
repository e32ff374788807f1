// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"net/http"
	"strconv"

	"github.com/endplate/endplate/analysis/dicom/frame"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/api/internal/store"
)

// rendered delivers pictures of frames, of an instance, or of all that a series or
// study shows.
//
// Reference: DICOM PS3.18 sections 8.3.5 and 10.4.1.1.3.
func (s *service) rendered(w http.ResponseWriter, r *http.Request) error {
	a, v, err := pictureRequest(w, r, 0)
	if err != nil {
		return err
	}
	instances, err := s.targets(r)
	if err != nil {
		return err
	}
	// A picture by itself where there can be but one, else parts.
	one := offer{mediaType: mediaJPEG}
	offers := []offer{{mediaType: mediaJPEG, parts: true}, {mediaType: mediaPNG, parts: true}}
	numbers := []int(nil)
	if list := r.PathValue("frames"); list != "" {
		if numbers, err = parseFrames(list); err != nil {
			return err
		}
	}
	if r.PathValue("instance") != "" && len(numbers) < 2 {
		offers = append([]offer{one, {mediaType: mediaPNG}}, offers...)
	}
	o, ok := a.choose(offers...)
	if !ok {
		return notAcceptable("these pictures")
	}
	if unmodified(w, r, tagOf(instances, "rendered", r.PathValue("frames"), r.URL.RawQuery, o.mediaType, strconv.FormatBool(o.parts))) {
		return nil
	}
	if !o.parts {
		n := 1
		if len(numbers) == 1 {
			n = numbers[0]
		}
		b, err := s.picture(r.Context(), instances[0], func(*frame.Image) []int { return []int{n} }, v, o.mediaType, nil)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", o.mediaType)
		_, err = w.Write(b)
		return err
	}
	return s.pictures(w, r, instances, numbers, v, o)
}

// pictures delivers a picture of each frame in a part of its own. What is no image has
// none.
func (s *service) pictures(w http.ResponseWriter, r *http.Request, instances []store.Instance, numbers []int, v *view, o offer) error {
	out := newMultipart(w, o.mediaType, "", http.StatusOK)
	base := s.baseURL(r)
	for _, i := range instances {
		frames := func(m *frame.Image) []int {
			if numbers != nil {
				return numbers
			}
			all := make([]int, m.Frames)
			for n := range all {
				all[n] = n + 1
			}
			return all
		}
		_, err := s.picture(r.Context(), i, frames, v, o.mediaType, func(n int, b []byte) error {
			_, err := out.part(o.mediaType, instanceURL(base, i)+"/frames/"+strconv.Itoa(n)+"/rendered").Write(b)
			return err
		})
		if err != nil && (len(instances) == 1 || !errors.Is(err, frame.ErrNoPixelData)) {
			return err
		}
	}
	if !out.begun {
		return notAcceptable("instances that are no images")
	}
	return out.end()
}

// picture makes pictures of frames of an instance, and calls visit with each, or
// returns the only one.
func (s *service) picture(ctx context.Context, i store.Instance, numbers func(*frame.Image) []int, v *view, mediaType string, visit func(n int, b []byte) error) (b []byte, err error) {
	content, err := s.Store.OpenInstance(ctx, i)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	m, err := frame.Open(content, i.Size)
	if err != nil {
		return nil, unreadable(err)
	}
	for _, n := range numbers(m) {
		if b, err = s.draw(ctx, m, n, v, mediaType); err != nil {
			return nil, err
		}
		if visit == nil {
			return b, nil
		}
		if err := visit(n, b); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// draw makes a picture of a frame.
func (s *service) draw(ctx context.Context, m *frame.Image, n int, v *view, mediaType string) ([]byte, error) {
	release, err := s.work(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	picture, err := m.Picture(ctx, n, v.window)
	if err != nil {
		return nil, unreadable(err)
	}
	picture, err = v.scaled(picture)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if mediaType == mediaPNG {
		err = render.WritePNG(&b, picture)
	} else {
		err = jpeg.Encode(&b, picture, &jpeg.Options{Quality: v.quality})
	}
	return b.Bytes(), err
}

// thumbnailSide is how large a thumbnail is unless it is said, pixels.
const thumbnailSide = 128

// thumbnail delivers one small picture: of a frame, else of the middle of what there
// is.
//
// Reference: DICOM PS3.18 section 10.4.1.1.4.
func (s *service) thumbnail(w http.ResponseWriter, r *http.Request) error {
	a, v, err := pictureRequest(w, r, thumbnailSide)
	if err != nil {
		return err
	}
	instances, err := s.targets(r)
	if err != nil {
		return err
	}
	o, ok := a.choose(offer{mediaType: mediaJPEG}, offer{mediaType: mediaPNG})
	if !ok {
		return notAcceptable("a thumbnail")
	}
	middle := func(m *frame.Image) []int { return []int{(m.Frames + 1) / 2} }
	if list := r.PathValue("frames"); list != "" {
		numbers, err := parseFrames(list)
		if err != nil {
			return err
		}
		middle = func(*frame.Image) []int { return numbers[:1] }
	}
	if unmodified(w, r, tagOf(instances, "thumbnail", r.PathValue("frames"), r.URL.RawQuery, o.mediaType)) {
		return nil
	}
	// From the middle on, until there is an image.
	for k := range instances {
		b, err := s.picture(r.Context(), instances[(len(instances)/2+k)%len(instances)], middle, v, o.mediaType, nil)
		if errors.Is(err, frame.ErrNoPixelData) && k < len(instances)-1 {
			continue
		}
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", o.mediaType)
		_, err = w.Write(b)
		return err
	}
	return notAcceptable("instances that are no images")
}

// pictureRequest reads what a request for pictures accepts and how they are to be.
func pictureRequest(w http.ResponseWriter, r *http.Request, side int) (accepted, *view, error) {
	a, err := parseAccept(r)
	if err != nil {
		return nil, nil, err
	}
	v, err := parseView(r.URL.Query(), side)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range []string{"annotation", "iccprofile"} {
		if r.URL.Query().Get(name) != "" {
			warn(w, r, "The %s parameter is not supported.", name)
		}
	}
	return a, v, nil
}
