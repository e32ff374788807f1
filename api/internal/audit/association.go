// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"time"
)

// Association is what is kept of a DICOM association.
type Association struct {
	Time    time.Time // when it began
	ID      string    // of the association, as the log has it
	AETitle string    // what the peer calls itself
	Peer    string    // its address
	Outcome string
	Studies []string // that it sent instances of
}

// Association writes a line of an association that has ended, or was refused.
func (l *Log) Association(a Association) {
	if l.path == "" {
		return
	}
	l.write(context.Background(), line{ // the association's has ended
		Time: a.Time.UTC(), RequestID: a.ID, Subject: "AE " + a.AETitle, Peer: a.Peer,
		Method: "dimse/association", Code: a.Outcome, Objects: bounded(a.Studies),
	})
}
