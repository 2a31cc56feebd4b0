package pdu

// Submit is an SMS-SUBMIT. [23.040 9.2.2.2]
type Submit struct {
	RD  bool           // TP-RD: the SMSC is to reject duplicates
	SRR bool           // TP-SRR: a status report is asked for
	RP  bool           // TP-RP
	MR  uint8          // TP-MR; most modems put in their own
	DA  Address        // TP-DA
	PID uint8          // TP-PID
	DCS uint8          // TP-DCS
	VP  ValidityPeriod // TP-VPF and TP-VP
	UDH []byte         // with UDHL; nil when there is none
	UD  []byte         // septets one an octet when DCS says GSM7, octets otherwise

	Lenient []string // set by DecodeSubmit: what had to be forgiven
	Raw     []byte   // set by DecodeSubmit
}

// flag gives bits when set.
func flag(set bool, bits byte) byte {
	if set {
		return bits
	}
	return 0
}

// TPDU gives the octets of the SMS-SUBMIT. Its length is what AT+CMGS takes. Errors: ErrDigit, ErrLength (address),
// ErrHeader, ErrAlphabet (a septet over 0x7F, or a text as address), ErrTooLong (user data over 140 octets).
func (s Submit) TPDU() ([]byte, error) {
	fo := mtiSubmit | flag(s.RD, foRD) | byte(s.VP.Format&3)<<foVPF | flag(s.SRR, foSRR) |
		flag(len(s.UDH) > 0, foUDHI) | flag(s.RP, foRP)
	dst, err := s.DA.append(append(make([]byte, 0, 176), fo, s.MR), "TP-DA")
	if err != nil {
		return nil, err
	}
	dst = append(dst, s.PID, s.DCS)
	dst = append(dst, s.VP.Octets[:s.VP.len()]...)
	return appendUD(dst, ParseDCS(s.DCS).layout(), s.UDH, s.UD)
}

// UserData takes the submit's header and data apart, as the recipient will. Error: ErrHeader.
func (s *Submit) UserData() (UserData, error) { return newUserData(s.DCS, s.UDH, s.UD) }

// DecodeSubmit reads an SMS-SUBMIT, as a memory of sent messages holds it. The octets are copied.
func DecodeSubmit(tpdu []byte) (*Submit, error) {
	d := newDecoder(tpdu)
	fo := d.octet("TP-MTI")
	if d.err == nil && fo&3 != mtiSubmit {
		d.fail("TP-MTI", 0, ErrType)
	}
	s := &Submit{RD: fo&foRD != 0, SRR: fo&foSRR != 0, RP: fo&foRP != 0, Raw: d.b}
	s.MR = d.octet("TP-MR")
	s.DA = d.address("TP-DA")
	s.PID = d.octet("TP-PID")
	s.DCS = d.octet("TP-DCS")
	s.VP = d.validity(VPFormat(fo >> foVPF & 3))
	u := d.userData(s.DCS, fo&foUDHI != 0)
	d.rest()
	s.UDH, s.UD, s.Lenient = u.UDH, u.Data, d.notes
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}
