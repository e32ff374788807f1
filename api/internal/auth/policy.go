// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth

import "strings"

// need says what a method asks of its caller.
type need struct {
	role Role
	// everybody is set for what needs no role, and no credentials where the server
	// leaves it open.
	everybody bool
}

// The prefixes of gRPC's own services.
const (
	healthService     = "/grpc.health.v1.Health/"
	reflectionService = "/grpc.reflection."
)

// callerMethod is what every caller may call who has shown valid credentials.
const callerMethod = "/endplate.v1.CallerService/GetCaller"

// policy says which role each method needs. A method that is not in it is closed.
var policy = map[string]Role{
	"/endplate.v1.StudyService/UploadInstances": Send,
	"/endplate.v1.StudyService/ListStudies":     Read,
	"/endplate.v1.StudyService/GetStudy":        Read,
	"/endplate.v1.StudyService/ListSeries":      Read,
	"/endplate.v1.StudyService/DeleteStudy":     Administer,

	"/endplate.v1.AnalysisService/CreateAnalysis":  Correct,
	"/endplate.v1.AnalysisService/GetAnalysis":     Read,
	"/endplate.v1.AnalysisService/ListAnalyses":    Read,
	"/endplate.v1.AnalysisService/WatchAnalysis":   Read,
	"/endplate.v1.AnalysisService/CancelAnalysis":  Correct,
	"/endplate.v1.AnalysisService/CorrectAnalysis": Correct,
	"/endplate.v1.AnalysisService/ListRevisions":   Read,
	"/endplate.v1.AnalysisService/RenderImage":     Read,
	"/endplate.v1.AnalysisService/ExportAnalysis":  Read,
	"/endplate.v1.AnalysisService/AnalyzeStream":   Correct,

	"/endplate.v1.ComparisonService/CreateComparison": Correct,
	"/endplate.v1.ComparisonService/GetComparison":    Read,
	"/endplate.v1.ComparisonService/ListComparisons":  Read,
	"/endplate.v1.ComparisonService/WatchComparison":  Read,
	"/endplate.v1.ComparisonService/RenderComparison": Read,
	"/endplate.v1.ComparisonService/ExportComparison": Read,

	"/endplate.v1.WorklistService/SearchWorklist": Read,

	"/endplate.v1.DeliveryService/ListDeliveries": Read,
	"/endplate.v1.DeliveryService/RetryDelivery":  Correct,

	// Whole instances, their metadata and values say who the patient is; frames and
	// pictures do not.
	"/DICOMweb/Store":             Send,
	"/DICOMweb/Search":            Read,
	"/DICOMweb/RetrieveInstances": Identities,
	"/DICOMweb/RetrieveMetadata":  Identities,
	"/DICOMweb/RetrieveBulkdata":  Identities,
	"/DICOMweb/RetrieveFrames":    Read,
	"/DICOMweb/RetrieveRendered":  Read,
}

// RoleFor returns the role that a method needs, and whether the method is known.
func RoleFor(fullMethod string) (Role, bool) {
	role, ok := policy[fullMethod]
	return role, ok
}

// needOf returns what a method asks, and whether it is known.
func needOf(fullMethod string) (need, bool) {
	if role, ok := RoleFor(fullMethod); ok {
		return need{role: role}, true
	}
	return need{everybody: true}, fullMethod == callerMethod ||
		strings.HasPrefix(fullMethod, healthService) || strings.HasPrefix(fullMethod, reflectionService)
}
