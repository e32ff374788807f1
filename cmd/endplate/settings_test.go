// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/spf13/pflag"
)

func TestByteSize(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int64 // -1: an error
		out  string
	}{
		{"0", 0, "0"},
		{"1", 1, "1B"},
		{"1023", 1023, "1023B"},
		{"1024", 1024, "1KiB"},
		{"1536MiB", 1536 << 20, "1536MiB"},
		{"2048 MiB", 2 << 30, "2GiB"},
		{"64GiB", 64 << 30, "64GiB"},
		{"8388607TiB", 8388607 << 40, "8388607TiB"},
		{"8388608TiB", -1, ""},
		{"-1", -1, ""},
		{"1.5GiB", -1, ""},
		{"GiB", -1, ""},
		{"1GB", -1, ""},
		{"", -1, ""},
	} {
		var got int64
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		bytesVar(f, &got, "size", 7, "")
		err := f.Set("size", tt.in)
		if (err != nil) != (tt.want < 0) {
			t.Errorf("%q: error %v", tt.in, err)
		}
		if out := f.Lookup("size").Value.String(); err == nil && (got != tt.want || out != tt.out) {
			t.Errorf("%q = %d, shown as %q, want %d, %q", tt.in, got, out, tt.want, tt.out)
		}
	}
}

func TestRedacted(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"endplate-data":                  "endplate-data",
		"sqlite:/var/lib/x.db":           "sqlite:/var/lib/x.db",
		"postgres://u:p@h/db":            "postgres://u:xxxxx@h/db",
		"postgres://u@h/db":              "postgres://u@h/db",
		"postgres://h/db?a=1&password=p": "postgres://h/db?a=1&password=xxxxx",
		"s3://b?region=eu&secretKey=p":   "s3://b?region=eu&secretKey=xxxxx",
		"postgres://u:%zz@h":             "postgres://xxxxx",

		"pacs=dicom://PACS@h:104?calling=A  vna=https://u:p@h/dicom-web?token-file=/a": "pacs=dicom://PACS@h:104?calling=A vna=https://u:xxxxx@h/dicom-web?token-file=/a",
	} {
		if got := redacted(in); got != want {
			t.Errorf("redacted(%q) = %q, want %q", in, got, want)
		}
	}
}

// Every setting of a worker is one of a server too: they share a file.
func TestWorkersSettingsAreThoseOfServers(t *testing.T) {
	server := serverFlags(&serverSettings{}).all()
	workerFlags(&serverSettings{}).all().VisitAll(func(f *pflag.Flag) {
		same := server.Lookup(f.Name)
		if same == nil || same.DefValue != f.DefValue || same.Usage != f.Usage {
			t.Errorf("--%s differs", f.Name)
		}
	})
}

// What is printed by default is what a server may run with.
func TestDefaultsCanBe(t *testing.T) {
	var s serverSettings
	serverFlags(&s)
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	var w serverSettings
	workerFlags(&w)
	if err := w.Check(); err != nil {
		t.Error(err)
	}
}
