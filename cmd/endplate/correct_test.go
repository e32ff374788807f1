// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// Corrections are made in the order of their flags, whatever their kinds.
func TestCorrectionFlags(t *testing.T) {
	args := []string{
		"--shift", "t12=L1",
		"--move", "L1:superior-anterior@2.5,-180,-412",
		"--rename", "L5=L6",
		"--unmeasurable", "L2=metal",
		"--measurable", "L3",
		"--remove", "L4",
		"--reject", "vertebral_deformity@T8,T9=Scheuermann's disease",
		"--accept", "CEMENT@L1",
		"--add", "T11@1,2,3;4,5,6;7,8,9;1,2,-3;4,5,-6;7,8,-9",
	}
	want := &endplatev1.CorrectAnalysisRequest{}
	if err := protojson.Unmarshal([]byte(`{"corrections": [
		{"rename_level": {"from": "T12", "to": "L1", "others_follow": true}},
		{"move_landmark": {"level": "L1", "point": "SUPERIOR_ANTERIOR", "position": {"x": 2.5, "y": -180, "z": -412}}},
		{"rename_level": {"from": "L5", "to": "L6"}},
		{"mark_measurable": {"level": "L2", "reason": "metal"}},
		{"mark_measurable": {"level": "L3", "measurable": true}},
		{"remove_vertebra": {"level": "L4"}},
		{"judge_finding": {"code": "VERTEBRAL_DEFORMITY", "levels": ["T8", "T9"], "reason": "Scheuermann's disease"}},
		{"judge_finding": {"code": "CEMENT", "levels": ["L1"], "accepted": true}},
		{"add_vertebra": {"level": "T11", "landmarks": {
			"superior_anterior": {"x": 1, "y": 2, "z": 3}, "superior_middle": {"x": 4, "y": 5, "z": 6}, "superior_posterior": {"x": 7, "y": 8, "z": 9},
			"inferior_anterior": {"x": 1, "y": 2, "z": -3}, "inferior_middle": {"x": 4, "y": 5, "z": -6}, "inferior_posterior": {"x": 7, "y": 8, "z": -9}
		}}}
	]}`), want); err != nil {
		t.Fatal(err)
	}
	var c corrections
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.addFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	if got := (&endplatev1.CorrectAnalysisRequest{Corrections: c}); !proto.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCorrectionFlagsThatCannotBe(t *testing.T) {
	for _, args := range [][]string{
		{"--move", "L1"}, {"--move", "L1:superior-anterior"}, {"--move", "L1:superior-anterior@1,2,NaN"}, {"--move", "X1:superior-anterior@1,2,3"},
		{"--rename", "L1"}, {"--rename", "L1=X"}, {"--shift", "=L1"}, {"--remove", ""}, {"--unmeasurable", "L1"}, {"--measurable", "X"},
		{"--accept", "@L1"}, {"--reject", "CEMENT@L1,X"}, {"--add", "L1@1,2,3"}, {"--add", "L1@1,2,3;1,2,3;1,2,3;1,2,3;1,2,3;1,2"},
	} {
		var c corrections
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		c.addFlags(flags)
		if err := flags.Parse(args); err == nil || len(c) > 0 {
			t.Errorf("%q: %v, %v, want an error and no correction", args, err, c)
		}
	}
}

// What changed is told of the same vertebra, also where its name is another one.
func TestCorrectedVertebraeAreMatchedByPlace(t *testing.T) {
	at := func(level endplatev1.Level, z, anterior float64) *endplatev1.Vertebra {
		return &endplatev1.Vertebra{
			Level: level, Center: &endplatev1.Position{Z: &z}, Heights: &endplatev1.Heights{AnteriorMm: &anterior},
		}
	}
	run := func(revision int32, vertebrae ...*endplatev1.Vertebra) *endplatev1.AnalysisRun {
		return &endplatev1.AnalysisRun{
			AnalysisId: "a", Revision: &endplatev1.Revision{Number: revision},
			Report: &endplatev1.Report{Analyses: []*endplatev1.Analysis{{Vertebrae: vertebrae}}},
		}
	}
	before := run(0, at(endplatev1.Level_T12, 60, 20), at(endplatev1.Level_L1, 30, 21), at(endplatev1.Level_L2, 0, 22), at(endplatev1.Level_L3, -30, 23))
	after := run(1, at(endplatev1.Level_T11, 90, 19), at(endplatev1.Level_T12, 60, 20), at(endplatev1.Level_L1, 31, 18), at(endplatev1.Level_L3, 0, 22))
	var out bytes.Buffer
	if err := writeCorrected(&out, before, after, 0); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(out.String()) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"analysis a: revision 0 → 1",
		"level Ha mm Hm mm Hp mm wedge deg Genant",
		"T11 19.0 – – – – added",
		"L1 21.0 → 18.0 – – – –",
		"L2 → L3 22.0 – – – –",
		"L3 23.0 – – – – removed",
	}
	if got := strings.Join(rows, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// Only what may pass is tried again, and no sooner than the server asks for.
func TestErrorsThatPass(t *testing.T) {
	with := func(code codes.Code, after time.Duration) error {
		s, err := grpcstatus.New(code, "x").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
		if err != nil {
			t.Fatal(err)
		}
		return s.Err()
	}
	for _, tt := range []struct {
		err  error
		wait time.Duration
		want bool
	}{
		{grpcstatus.Error(codes.Unavailable, "x"), 0, true},
		{with(codes.Unavailable, time.Second), time.Second, true},
		{with(codes.ResourceExhausted, time.Minute), time.Minute, true},
		{grpcstatus.Error(codes.ResourceExhausted, "x"), 0, false},
		{grpcstatus.Error(codes.Internal, "x"), 0, false},
		{grpcstatus.Error(codes.Canceled, "x"), 0, false},
		{errors.New("x"), 0, false},
	} {
		if wait, got := passes(tt.err); got != tt.want || wait != tt.wait {
			t.Errorf("passes(%v) = %v, %v, want %v, %v", tt.err, wait, got, tt.wait, tt.want)
		}
	}
}
