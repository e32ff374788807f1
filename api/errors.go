// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/internal/fault"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// errorDomain is the domain of the reasons in google.rpc.ErrorInfo.
const errorDomain = "endplate.v1"

// statusOf returns what a caller is told of an error: code, text, and the details
// that say why. An error that is a status already, such as one of the transport,
// stays as it is.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	if _, classed := errors.AsType[*fault.Error](err); !classed {
		if s, ok := status.FromError(err); ok && s.Code() != codes.Unknown {
			return err
		}
	}
	told := fault.Public(err)
	s := status.New(told.Kind.Code(), told.Text)
	detailed, err := s.WithDetails(detailsOf(told)...)
	if err != nil {
		return s.Err()
	}
	return detailed.Err()
}

func detailsOf(told fault.Details) []protoadapt.MessageV1 {
	var details []protoadapt.MessageV1
	if told.Reason != "" {
		details = append(details, &errdetails.ErrorInfo{
			Reason: string(told.Reason), Domain: errorDomain, Metadata: told.Metadata,
		})
	}
	if len(told.Violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, v := range told.Violations {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: v.Field, Description: v.Description,
			})
		}
		details = append(details, bad)
	}
	if len(told.Texts) > 0 {
		details = append(details, protoadapt.MessageV1Of(&endplatev1.Phrases{Phrases: convert.Phrases(told.Texts)}))
	}
	if told.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(told.RetryAfter)})
	}
	return details
}
