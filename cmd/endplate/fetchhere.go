// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/dimse/scu"
	"github.com/endplate/endplate/api/measure"
)

// imageClasses are the SOP classes of storage that are taken here: CT, Enhanced CT,
// Legacy Converted Enhanced CT, CR, and DX for presentation and for processing. PS3.4
// B.5.
var imageClasses = []string{
	"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2",
	"1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1.1",
}

// fetchHere has the peer send studies to this command, which writes them to a folder.
func fetchHere(ctx context.Context, peer *scu.Peer, flags fetchFlags, studies []foundStudy, p *progress) error {
	if err := os.MkdirAll(flags.out, 0o755); err != nil {
		return fmt.Errorf("--out %s: %s", flags.out, measure.Pathless(err))
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", flags.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	receiver := &scu.Receiver{
		AETitle: flags.to, Classes: imageClasses, Syntaxes: scp.StorageSyntaxes(),
		Keep: func(m dicom.FileMeta, data io.Reader) error { return keep(flags.out, m, data) },
	}
	served := make(chan error, 1)
	receiving, stop := context.WithCancel(ctx)
	go func() { served <- receiver.Serve(receiving, l) }()
	moving := move(ctx, peer, flags, studies, p)
	l.Close() // whose error is that of Serve
	stop()    // what the peer sends after it has said that it is done is not waited for
	return errors.Join(moving, <-served)
}

// keep writes an instance as a file named by its UID, whole or not at all.
func keep(folder string, m dicom.FileMeta, data io.Reader) error {
	f, err := os.CreateTemp(folder, ".fetch-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // unless it has got its name
	_, err = f.Write(m.Head())
	if err == nil {
		_, err = io.Copy(f, data)
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(folder, m.SOPInstanceUID+".dcm"))
}
