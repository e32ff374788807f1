// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package code

// The frame of a report.
var (
	MeasurementReport      = dcm("126000", "Imaging Measurement Report", "PS3.16 CID 7021")
	ImagingMeasurements    = dcm("126010", "Imaging Measurements", "PS3.16 TID 1500")
	QualitativeEvaluations = define("UMLS", "C0034375", "Qualitative Evaluations", "PS3.16 TID 1500, of UMLS")
	MeasurementGroup       = dcm("125007", "Measurement Group", "PS3.16 TID 1501")

	LanguageOfContent = dcm("121049", "Language of Content Item and Descendants", "PS3.16 TID 1204")
	English           = define("RFC5646", "en", "English", "PS3.16 CID 5000")
	ProcedureReported = dcm("121058", "Procedure reported", "PS3.16 TID 1500")
	ImagingProcedure  = sct("363679005", "Imaging procedure", "PS3.16 CID 100")
	CTUnspecified     = define("LN", "25045-6", "CT unspecified body region", "PS3.16 CID 100")

	ObserverType       = dcm("121005", "Observer Type", "PS3.16 TID 1002")
	ObserverPerson     = dcm("121006", "Person", "PS3.16 CID 270")
	ObserverDevice     = dcm("121007", "Device", "PS3.16 CID 270")
	PersonName         = dcm("121008", "Person Observer Name", "PS3.16 TID 1003")
	DeviceUID          = dcm("121012", "Device Observer UID", "PS3.16 TID 1004")
	DeviceName         = dcm("121013", "Device Observer Name", "PS3.16 TID 1004")
	DeviceManufacturer = dcm("121014", "Device Observer Manufacturer", "PS3.16 TID 1004")
	DeviceModel        = dcm("121015", "Device Observer Model Name", "PS3.16 TID 1004")
	DeviceSerial       = dcm("121016", "Device Observer Serial Number", "PS3.16 TID 1004")

	ImageLibrary           = dcm("111028", "Image Library", "PS3.16 TID 1600")
	ImageLibraryGroup      = dcm("126200", "Image Library Group", "PS3.16 TID 1600")
	Modality               = dcm("121139", "Modality", "PS3.16 TID 1602")
	ComputedRadiography    = dcm("CR", "Computed Radiography", "PS3.16 CID 29")
	DigitalRadiography     = dcm("DX", "Digital Radiography", "PS3.16 CID 29")
	Radiofluoroscopy       = dcm("RF", "Radiofluoroscopy", "PS3.16 CID 29")
	ComputedTomography     = dcm("CT", "Computed Tomography", "PS3.16 CID 29")
	StudyDate              = dcm("111060", "Study Date", "PS3.16 TID 1602")
	FrameOfReference       = dcm("112227", "Frame of Reference UID", "PS3.16 TID 1602")
	PixelDataRows          = dcm("110910", "Pixel Data Rows", "PS3.16 TID 1602")
	PixelDataColumns       = dcm("110911", "Pixel Data Columns", "PS3.16 TID 1602")
	HorizontalPixelSpacing = dcm("111026", "Horizontal Pixel Spacing", "PS3.16 TID 1604")
	VerticalPixelSpacing   = dcm("111066", "Vertical Pixel Spacing", "PS3.16 TID 1604")
	SpacingBetweenSlices   = dcm("112226", "Spacing between slices", "PS3.16 TID 1604")

	AlgorithmName       = dcm("111001", "Algorithm Name", "PS3.16 TID 4019")
	AlgorithmVersion    = dcm("111003", "Algorithm Version", "PS3.16 TID 4019")
	AlgorithmParameters = dcm("111002", "Algorithm Parameters", "PS3.16 TID 4019")

	TrackingIdentifier  = dcm("112039", "Tracking Identifier", "PS3.16 TID 1501")
	TrackingUID         = dcm("112040", "Tracking Unique Identifier", "PS3.16 TID 1501")
	Baseline            = dcm("121079", "Baseline", "PS3.16 CID 280")
	Finding             = dcm("121071", "Finding", "PS3.16 TID 1501")
	FindingSite         = sct("363698007", "Finding Site", "PS3.16 TID 1501")
	TopographicModifier = sct("106233006", "Topographical modifier", "PS3.16 TID 1501")
	Laterality          = sct("272741003", "Laterality", "PS3.16 TID 1501")
	Left                = sct("7771000", "Left", "PS3.16 CID 244")
	Right               = sct("24028007", "Right", "PS3.16 CID 244")
	MeasurementMethod   = sct("370129005", "Measurement Method", "PS3.16 TID 300")
	Derivation          = dcm("121401", "Derivation", "PS3.16 TID 300")
	EquivalentMeaning   = dcm("121050", "Equivalent Meaning of Concept Name", "PS3.16 TID 300")
	PreviousReports     = dcm("111549", "Previous Reports", "PS3.16 TID 4206")
	ComparedWithPrior   = dcm("122140", "Comparison with Prior Exam Done", "PS3.16 TID 3602")
)

// What qualifies a number, or stands in for one.
var (
	Uncertainty       = sct("371884006", "+/-, range of measurement uncertainty", "PS3.16 CID 225")
	StandardDeviation = sct("386136009", "Standard Deviation", "PS3.16 CID 7464")
	PopulationMean    = sct("373098007", "Mean Value of population", "PS3.16 CID 226")
	PopulationSD      = dcm("121414", "Standard deviation of population", "PS3.16 CID 226")
	ZScore            = dcm("121416", "Z-Score of measurement", "PS3.16 CID 227")
	Threshold         = dcm("122411", "Threshold Value", "PS3.16 TID 3465")

	LevelOfSignificance = dcm("121403", "Level of Significance", "PS3.16 TID 310")
	IsSignificant       = sct("386134007", "Significant", "PS3.16 CID 220")
	NotSignificant      = sct("371928007", "Not significant", "PS3.16 CID 220")
	UnknownSignificance = sct("386135008", "Significance Undetermined", "PS3.16 CID 220")

	NotAttempted       = dcm("114007", "Measurement not attempted", "PS3.16 CID 42")
	CalculationFailure = dcm("114008", "Calculation failure", "PS3.16 CID 42")
	Failure            = dcm("114006", "Measurement failure", "PS3.16 CID 42")

	Estimated  = sct("414135002", "Estimated", "PS3.16 CID 3627")
	Calculated = sct("258090004", "Calculated", "PS3.16 CID 3627")
	Median     = sct("373099004", "Median", "PS3.16 CID 3627")

	Automated = sct("8359006", "Automated", "PS3.16 CID 7230")
	Manual    = sct("87982008", "Manual", "PS3.16 CID 7230")

	Yes          = sct("373066001", "Yes", "PS3.16 CID 230")
	No           = sct("373067005", "No", "PS3.16 CID 230")
	Undetermined = sct("373068000", "Undetermined", "PS3.16 CID 230")
)
