// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// ownProgram returns this program, also where its file was replaced meanwhile.
func ownProgram() (string, error) { return "/proc/self/exe", nil }

// prepare has the child end with the thread that calls this, whose niceness it
// inherits. Of threads, not processes: setpriority(2), "C library/kernel
// differences"; prctl(2), PR_SET_PDEATHSIG.
func prepare(cmd *exec.Cmd, l Limits) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if l.Nice > 0 {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, l.Nice) // best effort
	}
}

// resident returns the resident memory of a process. proc(5), statm.
func resident(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0 // it has ended
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(b), &size, &pages); err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
