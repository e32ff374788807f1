// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/suyashkumar/dicom/pkg/tag"
)

const (
	ct = "1.2.840.10008.5.1.4.1.1.2"
	mr = "1.2.840.10008.5.1.4.1.1.4"
)

// usual is what a made instance says, by keyword.
var usual = map[string]string{
	"MediaStorageSOPClassUID":    ct,
	"MediaStorageSOPInstanceUID": "1.2.3.4.5",
	"TransferSyntaxUID":          "1.2.840.10008.1.2.1",
	"SOPClassUID":                ct,
	"SOPInstanceUID":             "1.2.3.4.5",
	"StudyDate":                  "20240229",
	"StudyTime":                  "101112",
	"Modality":                   "CT",
	"StudyDescription":           "Spine",
	"PatientName":                "Doe^Jane",
	"PatientID":                  "P1",
	"StudyInstanceUID":           "1.2.3",
	"SeriesInstanceUID":          "1.2.3.4",
	"SeriesNumber":               "2",
	"InstanceNumber":             "1",
}

// numbered returns what tells instance i from others of its series.
func numbered(i int) map[string]string {
	uid := fmt.Sprintf("1.2.3.4.%d", i)
	return map[string]string{"SOPInstanceUID": uid, "MediaStorageSOPInstanceUID": uid, "InstanceNumber": fmt.Sprint(i)}
}

// ctInstance returns a CT instance, explicit little endian, that says what is usual
// but for set; attributes set to nothing are absent. Its pixels are 100 zeros.
func ctInstance(set map[string]string) []byte { return instanceOf(set, 100) }

func instanceOf(set map[string]string, pixels int) []byte {
	all := maps.Clone(usual)
	maps.Copy(all, set)
	elements := map[uint32][]byte{}
	for keyword, value := range all {
		info := infoOf(keyword)
		if value != "" {
			elements[info.Tag.Uint32()] = element(info.Tag, info.VRs[0], value)
		}
	}
	var b bytes.Buffer
	b.Write(make([]byte, 128))
	b.WriteString("DICM")
	for _, k := range slices.Sorted(maps.Keys(elements)) {
		b.Write(elements[k])
	}
	b.WriteString("\xe0\x7f\x10\x00OW\x00\x00")
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(pixels)))
	b.Write(make([]byte, pixels))
	return b.Bytes()
}

func element(t tag.Tag, vr, value string) []byte {
	if len(value)%2 != 0 {
		pad := " "
		if vr == "UI" {
			pad = "\x00"
		}
		value += pad
	}
	b := binary.LittleEndian.AppendUint16(nil, t.Group)
	b = binary.LittleEndian.AppendUint16(b, t.Element)
	b = append(b, vr...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

var infos sync.Map // of tag.Info by keyword: to find one takes a while

func infoOf(keyword string) tag.Info {
	if info, ok := infos.Load(keyword); ok {
		return info.(tag.Info)
	}
	info, err := tag.FindByKeyword(keyword)
	if err != nil {
		panic(err)
	}
	infos.Store(keyword, info)
	return info
}
