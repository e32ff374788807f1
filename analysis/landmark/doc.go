// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package landmark places the six morphometry points on the outline of a body.
package landmark
