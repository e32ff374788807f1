// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import "net"

// sdNotify sends a state to the socket of a service manager; no socket, no manager.
//
// Reference: sd_notify(3).
func sdNotify(socket, state string) error {
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // a datagram has gone once it is written
	_, err = conn.Write([]byte(state))
	return err
}
