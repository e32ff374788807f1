// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse"
)

// acknowledged is what modalities were told by status 0000H.
type acknowledged struct {
	*ledger
	transactions map[string]bool // of storage commitment
}

// A server is killed at random moments, as often as ENDPLATE_CRASHES says, while four
// modalities send and ask for storage commitment. What was acknowledged is there in the
// end: instances byte for byte, and the promise to report.
func TestNothingAcknowledgedByDIMSEIsLost(t *testing.T) {
	t.Parallel()
	crashes := many("ENDPLATE_CRASHES", 4)
	c := apart(t)
	c.DIMSE.Addr, c.DIMSE.AETitle, c.DIMSE.Journal, c.Work.Workers = "127.0.0.1:0", "MORTAL", 64<<20, 0
	l := &acknowledged{newLedger(), map[string]bool{}}
	var at roaming
	ctx, rest := context.WithCancel(t.Context())
	defer rest()
	var modalities sync.WaitGroup
	var sent atomic.Int64
	for n := range 4 {
		modalities.Go(func() {
			for series := 0; ctx.Err() == nil; series++ {
				if at := at.Load(); at != nil {
					l.visit(ctx, t, *at, fmt.Sprintf("%d.%d", n+1, series+1), &sent)
				} else {
					<-time.After(time.Millisecond)
				}
			}
		})
	}
	for range crashes {
		p := launch(t, c.Config)
		before := sent.Load()
		at.Store(new(p.ready(t, c.Config).DIMSE))
		until(t, "an instance is acknowledged", time.Minute, func() bool { return sent.Load() > before })
		<-time.After(rand.N(300 * time.Millisecond)) // the moment
		p.kill()
		at.Store(nil)
	}
	rest()
	modalities.Wait()
	p := launch(t, c.Config)
	p.ready(t, c.Config)
	p.stop(t, c.Config)
	l.verifyStored(t, c)
	s := c.openStore(t)
	defer s.Close()
	promised := map[string]bool{}
	all, err := s.Commitments(t.Context(), "MODALITY", time.Now().Add(24*time.Hour), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		promised[one.TransactionUID] = true
	}
	for transaction := range l.transactions {
		if !promised[transaction] {
			t.Errorf("transaction %s was acknowledged and is forgotten", transaction)
		}
	}
	t.Logf("%d times killed; %d instances and %d transactions acknowledged", crashes, len(l.hashes), len(l.transactions))
}

// visit sends a few instances, asks for commitment to them, and notes what was
// acknowledged. That the server goes is no failure.
func (l *acknowledged) visit(ctx context.Context, t *testing.T, at, series string, sent *atomic.Int64) {
	m, err := connectTo(ctx, "MORTAL", at, ctImageStorage, dimse.StorageCommitmentPushModel)
	if err != nil {
		return
	}
	defer m.Abort()
	var uids []string
	for n := range 5 {
		uid := fmt.Sprintf("1.2.3.%s.%d", series, n+1)
		meta := dicom.FileMeta{SOPClassUID: ctImageStorage, SOPInstanceUID: uid, TransferSyntaxUID: dimse.ExplicitVRLittleEndian}
		data := plainInstance(uid, series, 20_000)
		file := append(meta.Head(), data...)
		status, err := m.send(ctx, file)
		if err != nil || status == dimse.OutOfResources {
			return
		}
		if status != dimse.Success {
			t.Errorf("instance %s: %v", uid, status)
			return
		}
		l.mu.Lock()
		l.hashes[uid] = sha256.Sum256(file)
		l.mu.Unlock()
		sent.Add(1)
		uids = append(uids, uid)
	}
	if transaction := "1.2.9." + series; m.promised(ctx, transaction, uids) {
		l.mu.Lock()
		l.transactions[transaction] = true
		l.mu.Unlock()
	}
}

// promised asks for storage commitment and reports whether that was acknowledged. The
// report is not waited for.
func (m modality) promised(ctx context.Context, transaction string, uids []string) bool {
	d := &dataset.Dataset{}
	d.Text(tag.TransactionUID, "UI", transaction)
	var items []*dataset.Dataset
	for _, uid := range uids {
		item := &dataset.Dataset{}
		item.Text(tag.ReferencedSOPClassUID, "UI", ctImageStorage)
		item.Text(tag.ReferencedSOPInstanceUID, "UI", uid)
		items = append(items, item)
	}
	d.Sequence(tag.ReferencedSOPSequence, items...)
	var b bytes.Buffer
	if _, err := d.WriteTo(&b); err != nil {
		return false
	}
	pc, _ := m.Context(dimse.StorageCommitmentPushModel)
	c := &dimse.Command{Field: dimse.NActionRQ, MessageID: m.NextMessageID(), ActionTypeID: 1,
		RequestedSOPClassUID: dimse.StorageCommitmentPushModel, RequestedSOPInstanceUID: dimse.StorageCommitmentInstance}
	if err := m.Send(ctx, pc.ID, c, &b); err != nil {
		return false
	}
	rsp, err := m.await(ctx, dimse.NActionRSP)
	return err == nil && rsp.Status == dimse.Success
}
