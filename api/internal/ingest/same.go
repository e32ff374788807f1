// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/store"
)

// reconsider takes back the conflict of an instance that is stored with the same data
// set behind other file meta information. Files carry what the application that wrote
// them says of itself, and DIMSE carries none: the same object comes with another head
// by another transport, and its sender must be told that it is stored.
func (g *Ingest) reconsider(ctx context.Context, additions []store.Addition, settled []store.Settlement) {
	for i, a := range additions {
		if settled[i].Outcome != store.Conflict {
			continue
		}
		same, err := g.sameDataSet(ctx, a)
		if err != nil {
			g.config.Logger.LogAttrs(ctx, slog.LevelWarn, "an instance cannot be compared with what is stored",
				slog.String("sop_instance_uid", a.Instance.SOPInstanceUID), slog.Any("error", err))
		}
		if same {
			settled[i] = store.Settlement{Outcome: store.Same}
		}
	}
}

// sameDataSet reports whether an addition has the data set of the instance that is
// stored under its UID, byte for byte in the same transfer syntax.
func (g *Ingest) sameDataSet(ctx context.Context, a store.Addition) (bool, error) {
	there, err := g.config.Store.Instance(ctx, a.Instance.SOPInstanceUID)
	if err != nil || there.TransferSyntaxUID != a.Instance.TransferSyntaxUID ||
		there.SeriesInstanceUID != a.Series.SeriesInstanceUID || there.StudyInstanceUID != a.Study.StudyInstanceUID {
		return false, err
	}
	stored, err := g.config.Store.OpenInstance(ctx, there)
	if err != nil {
		return false, err
	}
	defer stored.Close()
	came, err := a.Staged.Open(ctx)
	if err != nil {
		return false, err
	}
	defer came.Close()
	_, x, err := dicom.ReadFileMeta(stored)
	if err != nil {
		return false, err
	}
	_, y, err := dicom.ReadFileMeta(came)
	if err != nil {
		return false, err
	}
	return equal(x, y)
}

// equal reports whether two readers hold the same bytes.
func equal(x, y io.Reader) (bool, error) {
	const buffer = 64 << 10
	a, b := bufio.NewReaderSize(x, buffer), bufio.NewReaderSize(y, buffer)
	for {
		p, xErr := a.Peek(1)
		q, yErr := b.Peek(1)
		if len(p) == 0 || len(q) == 0 {
			if errors.Is(xErr, io.EOF) && errors.Is(yErr, io.EOF) {
				return true, nil
			}
			return false, errors.Join(ignoreEOF(xErr), ignoreEOF(yErr))
		}
		n := min(a.Buffered(), b.Buffered())
		p, _ = a.Peek(n) // what is buffered is there
		q, _ = b.Peek(n)
		if string(p) != string(q) {
			return false, nil
		}
		_, _ = a.Discard(n)
		_, _ = b.Discard(n)
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
