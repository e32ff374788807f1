// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"

	"github.com/endplate/endplate/api/internal/auth"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// callerService tells callers who they are.
type callerService struct {
	endplatev1.UnimplementedCallerServiceServer
	version string
}

// roleMessages are the roles as messages name them.
var roleMessages = [auth.NumRoles]endplatev1.Caller_Role{
	auth.Send:       endplatev1.Caller_SEND,
	auth.Read:       endplatev1.Caller_READ,
	auth.Identities: endplatev1.Caller_IDENTITIES,
	auth.Correct:    endplatev1.Caller_CORRECT,
	auth.Administer: endplatev1.Caller_ADMINISTER,
}

func (s *callerService) GetCaller(ctx context.Context, _ *endplatev1.GetCallerRequest) (*endplatev1.GetCallerResponse, error) {
	who := auth.FromContext(ctx)
	caller := &endplatev1.Caller{Subject: who.Subject}
	for role := range auth.Role(auth.NumRoles) {
		if who.Roles.Has(role) {
			caller.Roles = append(caller.Roles, roleMessages[role])
		}
	}
	return &endplatev1.GetCallerResponse{Caller: caller, ServerVersion: s.version}, nil
}
