// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
)

// call collects what a line will say.
type call struct {
	mu      sync.Mutex
	objects []string
}

func (c *call) add(objects ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range objects {
		if o != "" && len(c.objects) < mostObjects && !slices.Contains(c.objects, o) {
			c.objects = append(c.objects, o)
		}
	}
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// Begin returns the context of a call that comes by no interceptor, and what writes its
// line in the end. Note tells what the call is about.
func (l *Log) Begin(ctx context.Context, method string) (_ context.Context, end func(error)) {
	ctx, _, end = l.begin(ctx, method)
	return ctx, end
}

// Note notes what the call of ctx is about: UIDs of studies and series.
func Note(ctx context.Context, objects ...string) {
	if c := callOf(ctx); c != nil {
		c.add(objects...)
	}
}

// begin returns the context of a call and what writes its line in the end.
func (l *Log) begin(ctx context.Context, method string) (_ context.Context, _ *call, end func(error)) {
	c := &call{}
	start := time.Now().UTC()
	ctx, who := auth.Observe(context.WithValue(ctx, callKey{}, c))
	return ctx, c, func(err error) {
		if l.path == "" || strings.HasPrefix(method, "/grpc.") {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		l.write(ctx, line{
			Time: start, RequestID: l.requestID(ctx), Subject: who().Subject, Peer: peerOf(ctx),
			Method: strings.TrimPrefix(method, "/"), Code: fault.CodeOf(err).String(), Objects: bounded(c.objects),
		})
	}
}

// Unary writes a line of each unary call. It stands outside of what knows the caller,
// so that it sees those who are refused.
func (l *Log) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	ctx, c, end := l.begin(ctx, info.FullMethod)
	c.see(req)
	answer, err := handle(ctx, req)
	end(err)
	return answer, err
}

// Stream writes a line of each stream when it ends.
func (l *Log) Stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	ctx, c, end := l.begin(s.Context(), info.FullMethod)
	err := handle(srv, &seenStream{s, ctx, c, info.IsClientStream})
	end(err)
	return err
}

// seenStream is a stream whose messages tell what it is about: that of a caller who
// sends one request, or the answer to one who sends many.
type seenStream struct {
	grpc.ServerStream
	ctx         context.Context
	call        *call
	manyAskedOf bool
}

func (s *seenStream) Context() context.Context { return s.ctx }

func (s *seenStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil && !s.manyAskedOf {
		s.call.see(m)
	}
	return err
}

func (s *seenStream) SendMsg(m any) error {
	if s.manyAskedOf {
		s.call.see(m)
	}
	return s.ServerStream.SendMsg(m)
}

// named are the fields that name what a call is about.
var named = map[protoreflect.Name]bool{
	"study_instance_uid":  true,
	"series_instance_uid": true,
	"analysis_id":         true,
	"analysis_ids":        true,
	"comparison_id":       true,
	"delivery_id":         true,
}

// see notes what a message names, in itself and in the messages of its lists.
func (c *call) see(message any) {
	if m, ok := message.(proto.Message); ok {
		c.seeFields(m.ProtoReflect(), true)
	}
}

// seeFields goes by the order of the fields: that of Message.Range differs from program
// to program.
func (c *call) seeFields(m protoreflect.Message, deeper bool) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		switch v := m.Get(f); {
		case named[f.Name()] && f.IsList():
			for i := range min(v.List().Len(), mostObjects) {
				c.add(v.List().Get(i).String())
			}
		case named[f.Name()]:
			c.add(v.String())
		case deeper && f.IsList() && f.Kind() == protoreflect.MessageKind:
			for i := range min(v.List().Len(), mostSeen) {
				c.seeFields(v.List().Get(i).Message(), false)
			}
		}
	}
}

// mostSeen bounds the messages of a list that are looked at: an upload has as many
// outcomes as instances, most of them of the same few series.
const mostSeen = 100_000

// forwardedHeader is where the server's HTTP side tells of its peer. The gateway
// adds the address last.
const forwardedHeader = "x-forwarded-for"

// peerOf returns the address that a call came from.
func peerOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	if p.Addr.Network() != "bufconn" {
		return p.Addr.String()
	}
	values := metadata.ValueFromIncomingContext(ctx, forwardedHeader)
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}
