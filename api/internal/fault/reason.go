// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package fault

// Reason says why, in the words of the service's interface: each is the name of a
// value of endplate.v1.ErrorReason.
type Reason string

// The reasons, as error.proto describes them.
const (
	InvalidField              Reason = "ERROR_REASON_INVALID_FIELD"
	MalformedInstance         Reason = "ERROR_REASON_MALFORMED_INSTANCE"
	MissingAttribute          Reason = "ERROR_REASON_MISSING_ATTRIBUTE"
	UnsupportedSOPClass       Reason = "ERROR_REASON_UNSUPPORTED_SOP_CLASS"
	UnsupportedTransferSyntax Reason = "ERROR_REASON_UNSUPPORTED_TRANSFER_SYNTAX"
	InstanceConflict          Reason = "ERROR_REASON_INSTANCE_CONFLICT"
	ChecksumMismatch          Reason = "ERROR_REASON_CHECKSUM_MISMATCH"
	NotFound                  Reason = "ERROR_REASON_NOT_FOUND"
	NotFinished               Reason = "ERROR_REASON_NOT_FINISHED"
	AnalysisFailed            Reason = "ERROR_REASON_ANALYSIS_FAILED"
	StaleRevision             Reason = "ERROR_REASON_STALE_REVISION"
	ImpossibleCorrection      Reason = "ERROR_REASON_IMPOSSIBLE_CORRECTION"
	RequestIDReused           Reason = "ERROR_REASON_REQUEST_ID_REUSED"
	OtherPatient              Reason = "ERROR_REASON_OTHER_PATIENT"
	NoCommonLevel             Reason = "ERROR_REASON_NO_COMMON_LEVEL"
	NoSuchView                Reason = "ERROR_REASON_NO_SUCH_VIEW"
	StorageFull               Reason = "ERROR_REASON_STORAGE_FULL"
	LimitExceeded             Reason = "ERROR_REASON_LIMIT_EXCEEDED"
	StorageUnavailable        Reason = "ERROR_REASON_STORAGE_UNAVAILABLE"
	ShuttingDown              Reason = "ERROR_REASON_SHUTTING_DOWN"
	NoCredentials             Reason = "ERROR_REASON_UNAUTHENTICATED"
	RoleMissing               Reason = "ERROR_REASON_ROLE_MISSING"
	StoredDataCorrupt         Reason = "ERROR_REASON_STORED_DATA_CORRUPT"
	Bug                       Reason = "ERROR_REASON_INTERNAL"
	NotDeidentifiable         Reason = "ERROR_REASON_NOT_DEIDENTIFIABLE"
	NothingMeasured           Reason = "ERROR_REASON_NOTHING_MEASURED"
)

// Reasons lists every reason.
func Reasons() []Reason {
	return []Reason{
		InvalidField, MalformedInstance, MissingAttribute, UnsupportedSOPClass, UnsupportedTransferSyntax,
		InstanceConflict, ChecksumMismatch, NotFound, NotFinished, AnalysisFailed,
		StaleRevision, ImpossibleCorrection, RequestIDReused, OtherPatient, NoCommonLevel,
		NoSuchView, StorageFull, LimitExceeded, StorageUnavailable, ShuttingDown,
		NoCredentials, RoleMissing, StoredDataCorrupt, Bug, NotDeidentifiable,
		NothingMeasured,
	}
}
