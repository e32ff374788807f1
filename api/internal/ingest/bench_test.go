// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/pgtest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// A CT of 300 slices of 512×512.
const (
	sliceCount = 300
	sliceBytes = 2 * 512 * 512
)

// body is an instance of a series: a head of its own and pixels in common.
type body struct{ head, pixels []byte }

func (b body) Read() io.Reader {
	return io.MultiReader(bytes.NewReader(b.head), bytes.NewReader(b.pixels))
}
func (b body) Len() int64 { return int64(len(b.head) + len(b.pixels)) }

// seriesOf returns the instances of a series.
func seriesOf(n int) []body {
	pixels := make([]byte, sliceBytes)
	for i := range pixels {
		pixels[i] = byte(i * i >> 7)
	}
	all := make([]body, sliceCount)
	for i := range all {
		uid := fmt.Sprintf("1.2.3.%d.%d", n, i)
		b := instanceOf(map[string]string{
			"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": fmt.Sprintf("1.2.3.%d", n),
			"SOPInstanceUID": uid, "MediaStorageSOPInstanceUID": uid,
		}, sliceBytes)
		all[i] = body{bytes.Clone(b[:len(b)-sliceBytes]), pixels}
	}
	return all
}

// BenchmarkCopy writes the series to files with fsync, one after the other: what
// BenchmarkStream is measured by.
func BenchmarkCopy(b *testing.B) {
	all := seriesOf(0)
	dir := b.TempDir()
	b.SetBytes(sliceCount * all[0].Len())
	for n := 0; b.Loop(); n++ {
		for i, x := range all {
			f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.%d", n, i)))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(f, x.Read()); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
			f.Close()
		}
	}
	b.ReportMetric(float64(sliceCount*b.N)/b.Elapsed().Seconds(), "instances/s")
}

func benchmarkStreams(b *testing.B, callers int, config store.Config) {
	g, _ := open(b, ingest.Config{Store: storetest.Open(b, config)})
	b.SetBytes(sliceCount * seriesOf(0)[0].Len())
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		all := seriesOf(n)
		b.StartTimer()
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				s := g.Stream()
				for i := c; i < len(all); i += callers {
					s.Add(b.Context(), ingest.Upload{Source: "bench"}, all[i].Read())
				}
				for _, o := range s.Wait() {
					if o.Err != nil || o.State != ingest.Stored {
						b.Errorf("%+v", o)
					}
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(float64(sliceCount*b.N)/b.Elapsed().Seconds(), "instances/s")
}

func BenchmarkStream(b *testing.B) {
	for _, callers := range []int{1, 4} {
		b.Run(fmt.Sprintf("SQLite/callers=%d", callers), func(b *testing.B) { benchmarkStreams(b, callers, storetest.Embedded(b)) })
	}
	b.Run("PostgreSQL/callers=1", func(b *testing.B) {
		config := storetest.Embedded(b)
		config.Database = pgtest.Start(b).Database(b)
		benchmarkStreams(b, 1, config)
	})
}

// BenchmarkAdd takes instances in one after the other, each acknowledged before the next
// comes, as a peer of DIMSE sends them.
func BenchmarkAdd(b *testing.B) {
	g, _ := open(b, ingest.Config{Store: storetest.Open(b, storetest.Embedded(b))})
	b.SetBytes(sliceCount * seriesOf(0)[0].Len())
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		all := seriesOf(n)
		b.StartTimer()
		for _, x := range all {
			if o := g.Add(b.Context(), ingest.Upload{Source: "bench"}, x.Read()); o.Err != nil || o.State != ingest.Stored {
				b.Fatalf("%+v", o)
			}
		}
	}
	b.ReportMetric(float64(sliceCount*b.N)/b.Elapsed().Seconds(), "instances/s")
}
