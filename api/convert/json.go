// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis/report"
)

// WriteJSON writes r as protojson with proto field names, indented. The same
// report gives the same bytes: protojson by itself varies its white space.
func WriteJSON(w io.Writer, r *report.Report) error {
	return writeMessage(w, Report(r))
}

// writeMessage writes m as protojson with proto field names, indented, the same
// bytes for the same message.
func writeMessage(w io.Writer, m proto.Message) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("json: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	out.WriteByte('\n')
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	return nil
}
