// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"time"
)

// Worker is a process that does jobs. Its times are the database's.
type Worker struct {
	ID        string
	Host      string
	Version   string
	StartedAt time.Time
	SeenAt    time.Time
}

// Heartbeat notes that a worker is alive.
func (tx *Tx) Heartbeat(ctx context.Context, w Worker) error {
	now := tx.dialect.clock()
	_, err := tx.exec(ctx, "INSERT INTO workers (worker_id, host, version, started_at, seen_at) VALUES (?, ?, ?, "+now+", "+now+
		") ON CONFLICT (worker_id) DO UPDATE SET seen_at = "+now, w.ID, w.Host, w.Version)
	return err
}

// RemoveWorker forgets a worker that has stopped or is dead.
func (tx *Tx) RemoveWorker(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, "DELETE FROM workers WHERE worker_id = ?", id)
	return err
}

const workerColumns = "worker_id, host, version, started_at, seen_at FROM workers"

func scanWorker(scan func(...any) error) (w Worker, err error) {
	err = scan(&w.ID, &w.Host, &w.Version, moment{&w.StartedAt}, moment{&w.SeenAt})
	return w, err
}

// Workers returns all workers.
func (r reader) Workers(ctx context.Context) ([]Worker, error) {
	return collect(ctx, r, scanWorker, "SELECT "+workerColumns+" ORDER BY worker_id")
}

// DeadWorkers returns the workers that have not been seen for a while.
func (r reader) DeadWorkers(ctx context.Context, unseen time.Duration) ([]Worker, error) {
	return collect(ctx, r, scanWorker, "SELECT "+workerColumns+" WHERE seen_at < "+r.dialect.clock()+" - ? ORDER BY worker_id", unseen.Microseconds())
}

// RunningAnalyses returns the analyses that a worker is at.
func (r reader) RunningAnalyses(ctx context.Context, workerID string) ([]Analysis, error) {
	return collect(ctx, r, scanAnalysis, "SELECT "+analysisColumns+" FROM analyses WHERE state = 'RUNNING' AND worker_id = ? ORDER BY created_at, analysis_id", workerID)
}
