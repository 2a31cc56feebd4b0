package smpp

// DataCoding is data_coding. [SMPP34 5.2.19]
type DataCoding uint8

// Values of DataCoding below the groups that follow GSM 03.38.
const (
	CodingDefault   DataCoding = 0x00 // the alphabet of the SMSC, see Alphabet
	CodingIA5       DataCoding = 0x01
	CodingBinary    DataCoding = 0x02
	CodingLatin1    DataCoding = 0x03
	CodingBinary8   DataCoding = 0x04
	CodingJIS       DataCoding = 0x05
	CodingCyrillic  DataCoding = 0x06 // ISO 8859-5
	CodingHebrew    DataCoding = 0x07 // ISO 8859-8
	CodingUCS2      DataCoding = 0x08
	CodingPictogram DataCoding = 0x09
	CodingMusic     DataCoding = 0x0A // ISO-2022-JP
	CodingKanji     DataCoding = 0x0D
	CodingKorean    DataCoding = 0x0E // KS C 5601
)
