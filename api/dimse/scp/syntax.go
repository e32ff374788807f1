// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp

import "github.com/endplate/endplate/api/dimse"

// syntax is a transfer syntax with its name in PS3.6 table A-1.
type syntax struct{ UID, Name string }

// syntaxes are those of instances, in the order of preference. Where a peer proposes
// several in one presentation context, what it has is most likely the compressed one,
// and it would have to decode it, or could not. Of those without loss the ones that are
// decoded fastest come first, by the benchmarks of package pixel. One with loss is
// taken only from a peer that proposes nothing else, since it may have to compress what
// it has.
var syntaxes = []syntax{
	{"1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"},
	{"1.2.840.10008.1.2.4.70", "JPEG Lossless, Non-Hierarchical, First-Order Prediction"},
	{"1.2.840.10008.1.2.4.57", "JPEG Lossless, Non-Hierarchical"},
	{"1.2.840.10008.1.2.5", "RLE Lossless"},
	{"1.2.840.10008.1.2.4.201", "HTJ2K Lossless"},
	{"1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL"},
	{"1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless"},
	{dimse.ExplicitVRLittleEndian, "Explicit VR Little Endian"},
	{dimse.ImplicitVRLittleEndian, "Implicit VR Little Endian"},
	{"1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"},
	{"1.2.840.10008.1.2.2", "Explicit VR Big Endian"},
	{"1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless"},
	{"1.2.840.10008.1.2.4.203", "HTJ2K"},
	{"1.2.840.10008.1.2.4.91", "JPEG 2000"},
	{"1.2.840.10008.1.2.4.51", "JPEG Extended, 12 bit"},
	{"1.2.840.10008.1.2.4.50", "JPEG Baseline, 8 bit"},
}

// plainSyntaxes are those of messages that hold no instances.
var plainSyntaxes = []string{dimse.ExplicitVRLittleEndian, dimse.ImplicitVRLittleEndian}

// StorageSyntaxes returns the transfer syntaxes of instances, in the order of
// preference.
func StorageSyntaxes() []string {
	uids := make([]string, len(syntaxes))
	for i, s := range syntaxes {
		uids[i] = s.UID
	}
	return uids
}

// supported returns what is accepted.
func supported(c Config) []dimse.Proposal {
	all := []dimse.Proposal{{AbstractSyntax: dimse.VerificationSOPClass, TransferSyntaxes: plainSyntaxes}}
	if c.Store != nil {
		all = append(all, dimse.Proposal{AbstractSyntax: dimse.StorageCommitmentPushModel, TransferSyntaxes: plainSyntaxes})
	}
	for _, class := range c.Classes {
		all = append(all, dimse.Proposal{AbstractSyntax: class, TransferSyntaxes: StorageSyntaxes()})
	}
	return all
}
