// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package endplatev1 is the generated code of the messages in measurement.proto.
package endplatev1
