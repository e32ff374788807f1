// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import "context"

// Runner does tasks, each in a child of its own. To start one takes some 5 ms beside
// an analysis of seconds, and a new one owes nothing to what was measured before.
type Runner struct {
	Command Command // of a child that answers by Producer.Do
	Limits  Limits
}

// Do has a child do a task. Its errors are those of Ask, and those of starting a
// child.
func (r Runner) Do(ctx context.Context, t *Task, stage func(string, float64)) (*Done, error) {
	child, err := Start(r.Command, r.Limits)
	if err != nil {
		return nil, err
	}
	done, err := Ask[Done](ctx, child, t, stage)
	if err == nil {
		child.Stop()
	}
	return done, err
}
