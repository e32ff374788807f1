// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Whatever a request says, no method answers with an error of the server's own, nor
// takes long.
func TestAnyRequestIsAnswered(t *testing.T) {
	t.Parallel()
	n := many("ENDPLATE_REQUESTS", 100)
	if testing.Short() {
		n = 20
	}
	c := apart(t)
	c.Work.QuietTime = time.Hour
	_, p := c.process(t)
	run := p.measured(t, made(t, 1, 30))
	other := p.measured(t, made(t, 2, 20))
	random := rand.New(rand.NewPCG(3, 4))
	s := &scrambler{random, run.GetAnalysisId(), []string{
		run.GetAnalysisId(), other.GetAnalysisId(), run.GetSeriesInstanceUid(), other.GetStudyInstanceUid(),
		"", "1.2.3", "x", "../../etc/passwd", "'; DROP TABLE studies; --", "\x00", strings.Repeat("9", 1000), "😀", "%", "CT",
	}}
	for name, method := range methods() {
		var longest time.Duration
		answers := map[codes.Code]int{}
		for range n {
			request := s.request(method.Input())
			if strings.HasSuffix(name, "/DeleteStudy") {
				request.Set(method.Input().Fields().ByName("study_instance_uid"), protoreflect.ValueOfString("1.2.3"))
			}
			began := time.Now()
			err := p.ask(t, name, method, request, s)
			longest = max(longest, time.Since(began))
			code := status.Code(err)
			answers[code]++
			switch code {
			case codes.Internal, codes.Unknown, codes.DataLoss, codes.DeadlineExceeded, codes.Unavailable:
				text, _ := proto.MarshalOptions{}.Marshal(request)
				t.Errorf("%s: %v, to %.500v (%.100x)", name, err, request, text)
			}
		}
		t.Logf("%s: %v, at most %v", name, answers, longest.Round(time.Millisecond))
	}
	p.answers(t)
}

// ask calls a method with a request, and with more of its kind where it takes a stream,
// and returns the error in the end.
func (p *peer) ask(t testing.TB, name string, method protoreflect.MethodDescriptor, request *dynamicpb.Message, s *scrambler) error {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if !method.IsStreamingClient() && !method.IsStreamingServer() {
		return p.Invoke(ctx, name, request, dynamicpb.NewMessage(method.Output()))
	}
	stream, err := p.NewStream(ctx, &grpc.StreamDesc{ClientStreams: method.IsStreamingClient(), ServerStreams: method.IsStreamingServer()}, name)
	if err != nil {
		return err
	}
	err = stream.SendMsg(request)
	for range s.IntN(5) {
		if method.IsStreamingClient() && err == nil {
			err = stream.SendMsg(s.request(method.Input()))
		}
	}
	_ = stream.CloseSend() // RecvMsg tells more
	for {
		if err := stream.RecvMsg(dynamicpb.NewMessage(method.Output())); err != nil {
			if err.Error() == "EOF" {
				return nil
			}
			return err
		}
	}
}

// scrambler makes messages of random contents, some of which are those of real ones.
type scrambler struct {
	*rand.Rand
	analysis string // that there is
	texts    []string
}

// request returns a message whose fields say anything, and sometimes what random bytes
// say.
func (s *scrambler) request(d protoreflect.MessageDescriptor) *dynamicpb.Message {
	m := s.message(d, 0)
	b, err := proto.Marshal(m)
	if err != nil || len(b) == 0 || s.IntN(3) > 0 {
		return m
	}
	for range 1 + s.IntN(4) {
		b[s.IntN(len(b))] = byte(s.Uint32())
	}
	changed := dynamicpb.NewMessage(d)
	if proto.Unmarshal(b, changed) != nil {
		return m
	}
	return changed
}

const deepest = 4 // messages in messages

func (s *scrambler) message(d protoreflect.MessageDescriptor, depth int) *dynamicpb.Message {
	m := dynamicpb.NewMessage(d)
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if s.IntN(4) == 0 || f.Message() != nil && depth == deepest {
			continue
		}
		switch {
		case f.IsMap():
		case f.IsList():
			list := m.Mutable(f).List()
			for range s.IntN(4) {
				list.Append(s.value(f, depth))
			}
		default:
			m.Set(f, s.value(f, depth))
		}
	}
	return m
}

func (s *scrambler) value(f protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	integers := []int64{0, 1, -1, 2, 3, 499, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, s.Int64()}
	numbers := []float64{0, 1, -1, 0.5, 1e-300, 1e300, math.NaN(), math.Inf(1), math.Inf(-1), 100 * s.NormFloat64()}
	whole, number := integers[s.IntN(len(integers))], numbers[s.IntN(len(numbers))]
	if s.IntN(2) == 0 { // what may be
		whole, number = s.Int64N(3), 3*s.Float64()
	}
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(s.IntN(2) == 0)
	case protoreflect.EnumKind:
		n := protoreflect.EnumNumber(int32(whole))
		if values := f.Enum().Values(); s.IntN(4) > 0 {
			n = values.Get(s.IntN(values.Len())).Number()
		}
		return protoreflect.ValueOfEnum(n)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(whole))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(whole)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(whole))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(whole))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(number))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(number)
	case protoreflect.StringKind:
		if strings.HasPrefix(string(f.Name()), "analysis_id") && s.IntN(4) > 0 {
			return protoreflect.ValueOfString(s.analysis)
		}
		return protoreflect.ValueOfString(s.texts[s.IntN(len(s.texts))])
	case protoreflect.BytesKind:
		b := make([]byte, s.IntN(2000))
		for i := range b {
			b[i] = byte(s.Uint32())
		}
		return protoreflect.ValueOfBytes(b)
	}
	return protoreflect.ValueOfMessage(s.message(f.Message(), depth+1))
}
