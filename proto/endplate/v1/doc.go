// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package endplatev1 is the generated code of the messages and services in this
// folder.
package endplatev1

import _ "embed"

// OpenAPI is the description of the REST interface, an OpenAPI 2.0 document as
// JSON.
//
//go:embed endplate.swagger.json
var OpenAPI []byte
