package smppchan

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"

	"gsmgate/smppd/smpp"
)

// ordinary are texts as people and shops write them.
var ordinary = []string{
	"Your code is 482913. Do not share it with anyone.",
	"Hi! Running 10 min late, order me a coffee please :-)",
	"PAYMENT OF EUR 1,250.00 TO J. SMITH CONFIRMED 12/05 14:33 REF#A1B2-C3D4",
	"http://shop.example/t?id=9f3b2c&x=1 track your parcel",
	"1234567890123456",
	"@home: meet @ 8pm @ the station_3",
	"Ihre Bestellung ist unterwegs, größere Pakete kommen später. Grüße, Jürgen",
	"Votre rendez-vous est confirmé à 15h à l'hôpital",
	"¿Dónde estás? Mañana no puedo ir, lo siento señor",
	"Il codice è scaduto, perché non provi più tardi? Così va bene",
	"Não esqueça a reunião de amanhã às 9h",
	"Wij bellen u morgen tussen 9 en 12 uur terug",
	"Hej! Vi ses på lördag klockan åtta, ta med öl och ägg",
	"Din pakke er på vej og kommer mandag. Hilsen Søren Ærø",
	"Huomenna sataa, älä unohda sateenvarjoa. Hyvää yötä",
	"ΠΡΟΣΟΧΗ: Ο ΚΩΔΙΚΟΣ ΣΑΣ ΕΙΝΑΙ 4711",
	"Η παραγγελία σας είναι έτοιμη για παραλαβή",
	"Randevunuz yarın saat 10:00'da, lütfen geç kalmayınız",
	"Twój kod to 1234. Zażółć gęślą jaźń",
	"Váš kód je 5566, platí do půlnoci",
	"A csomagja holnap érkezik, kérjük legyen otthon. Árvíztűrő tükörfúrógép",
	"Comanda dumneavoastră va fi livrată mâine între orele 9 și 12",
	"Kesi yako imeahirishwa hadi wiki ijayo. Tafadhali piga simu",
	"Pesanan Anda sedang dikirim. Terima kasih sudah berbelanja",
	"Mã xác nhận của bạn là 9981, vui lòng không chia sẻ",
	"Ваш код подтверждения 482913. Никому его не сообщайте",
	"Ваше замовлення вже їде, чекайте кур'єра сьогодні",
	"Вашата поръчка пристига утре сутринта",
	"رمز التحقق الخاص بك هو 4829 لا تشاركه مع أحد",
	"קוד האימות שלך הוא 5512 נא לא לשתף",
	"आपका कोड 7741 है, इसे किसी के साथ साझा न करें",
	"รหัสของคุณคือ 8812 ห้ามบอกใคร ขอบคุณ ครับ",
	"您的验证码是 482913，五分钟内有效。",
	"ご予約は明日 10時です。お待ちしております。",
	"인증번호는 5521 입니다. 타인에게 알려주지 마세요",
	"თქვენი კოდი არის 1177 არავის გაუზიაროთ",
}

// written is a submit_sm of octets under a data_coding.
func written(dc smpp.DataCoding, data []byte) *smpp.SubmitSM {
	return &smpp.SubmitSM{DataCoding: dc, ShortMessage: data}
}

func wantFound(t *testing.T, what string, sm *smpp.SubmitSM, want ...mistake) {
	t.Helper()
	var all mistakes
	for _, k := range want {
		all.add(k)
	}
	if found := inspect(sm, smpp.GSM0338); found != all {
		t.Errorf("%s: found %s, want %s", what, wordsOf(found), wordsOf(all))
	}
}

func wordsOf(m mistakes) string {
	var all []string
	for k := range otherMistake {
		if m.has(k) {
			all = append(all, k.String())
		}
	}
	return strings.Join(all, ", ")
}

// Every ordinary text, and each beginning of it, in each way that is right.
func TestInspect_OrdinaryTexts_NothingFound(t *testing.T) {
	for _, text := range ordinary {
		for n := range []rune(text) {
			part := string([]rune(text)[:n+1])
			for _, dc := range []smpp.DataCoding{smpp.CodingDefault, smpp.CodingLatin1, smpp.CodingUCS2, smpp.CodingIA5, 0x11, 0x18} {
				if data, err := smpp.EncodeText(dc, smpp.GSM0338, part); err == nil {
					wantFound(t, part, written(dc, data))
				}
			}
		}
	}
}

func TestInspect_PackedTexts_Found(t *testing.T) {
	for _, text := range ordinary {
		for _, part := range []string{text, text[:min(len(text), 12)]} {
			data, err := smpp.EncodeText(smpp.CodingDefault, smpp.GSM0338Packed, part)
			if err != nil || letterless(part) {
				continue
			}
			wantFound(t, "packed "+part, written(smpp.CodingDefault, data), packedAsDefault)
			if found := inspect(written(smpp.CodingDefault, data), smpp.GSM0338Packed); found != 0 {
				t.Errorf("%s to a user of packed texts: found %s", part, wordsOf(found))
			}
		}
	}
}

// letterless texts prove too little when they are packed.
func letterless(text string) bool {
	n := 0
	for _, r := range text {
		if r < 0x80 && (isLetter(byte(r)) || r == ' ') {
			n++
		}
	}
	return 10*n < 7*len([]rune(text))
}

// Alphabets that have their letters above 0x7F are that, and never packed.
func TestInspect_OtherAlphabetsAsDefault_NotTakenForPacked(t *testing.T) {
	for name, set := range map[string]*charmap.Charmap{
		"Latin-1": charmap.ISO8859_1, "Latin-2": charmap.ISO8859_2, "Latin-5": charmap.ISO8859_9, "Latin-9": charmap.ISO8859_15,
		"Windows-1252": charmap.Windows1252, "Windows-1251": charmap.Windows1251, "Windows-1253": charmap.Windows1253,
		"ISO 8859-5": charmap.ISO8859_5, "ISO 8859-6": charmap.ISO8859_6, "ISO 8859-7": charmap.ISO8859_7, "ISO 8859-8": charmap.ISO8859_8, "KOI8-R": charmap.KOI8R,
	} {
		for _, text := range ordinary {
			data, err := set.NewEncoder().Bytes([]byte(text))
			if err != nil || !hasTopBit(data) {
				continue
			}
			wantFound(t, name+" "+text, written(smpp.CodingDefault, data), latin1AsDefault)
			if found := inspect(written(smpp.CodingDefault, data), smpp.Latin1); found != 0 {
				t.Errorf("%s to a user of Latin-1: found %s", text, wordsOf(found))
			}
		}
	}
}

func TestInspect_UTF8AndUTF16UnderOtherNames_Found(t *testing.T) {
	for _, text := range ordinary {
		if utf8Octets := []byte(text); hasTopBit(utf8Octets) {
			wantFound(t, "UTF-8 "+text, written(smpp.CodingDefault, utf8Octets), utf8AsText)
			wantFound(t, "UTF-8 as Latin-1 "+text, written(smpp.CodingLatin1, utf8Octets), utf8AsText)
		} else {
			wantFound(t, "UTF-16 "+text, written(smpp.CodingDefault, utf16Octets(text, binary.BigEndian)), ucs2AsDefault)
			wantFound(t, "one octet a character "+text, written(smpp.CodingUCS2, utf8Octets[:len(utf8Octets)-1|1]), asciiAsUCS2)
		}
	}
}

func utf16Octets(text string, order binary.AppendByteOrder) (b []byte) {
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestInspect_UCS2_LittleEndianMarksAndOddLengths_Found(t *testing.T) {
	for _, text := range ordinary {
		little := utf16Octets(text, binary.LittleEndian)
		if ascii := strings.Count(text, " "); ascii >= 2 {
			wantFound(t, "little end first "+text, written(smpp.CodingUCS2, little), ucs2LittleEndian)
		}
		wantFound(t, "with a mark "+text, written(smpp.CodingUCS2, utf16Octets("\uFEFF"+text, binary.BigEndian)), ucs2ByteOrderMark)
		wantFound(t, "little end and mark "+text, written(smpp.CodingUCS2, utf16Octets("\uFEFF"+text, binary.LittleEndian)), ucs2ByteOrderMark, ucs2LittleEndian)
		big := utf16Octets(text, binary.BigEndian)
		wantFound(t, "cut "+text, written(smpp.CodingUCS2, big[:len(big)-1]), ucs2OddLength)
	}
}

// Octets that are no text at all are not taken for packed ones.
func TestInspect_BinaryAsDefault_NotTakenForPacked(t *testing.T) {
	state, flagged := uint64(1), 0
	for i := range 2000 {
		data := make([]byte, 12+i%100)
		for i := range data {
			state = state*6364136223846793005 + 1442695040888963407
			data[i] = byte(state >> 56)
		}
		if inspect(written(smpp.CodingDefault, data), smpp.GSM0338).has(packedAsDefault) {
			flagged++
		}
	}
	if flagged > 10 { // the shortest ones, by chance
		t.Errorf("%d of 2000 were taken for packed texts", flagged)
	}
}

func TestInspect_Headers(t *testing.T) {
	concat, wide, port := "\x05\x00\x03\xAA\x02\x01", "\x06\x08\x04\xAA\xBB\x02\x01", "\x06\x05\x04\x23\xf4\x00\x00"
	flagged := func(data string) *smpp.SubmitSM {
		return &smpp.SubmitSM{ESMClass: smpp.FlagUDHI, ShortMessage: []byte(data)}
	}
	plain := func(data string) *smpp.SubmitSM { return &smpp.SubmitSM{ShortMessage: []byte(data)} }
	for _, header := range []string{concat, wide, port, "\x0b" + port[1:] + concat[1:]} {
		wantFound(t, "with UDHI", flagged(header+"Hello"))
		wantFound(t, "without UDHI", plain(header+"Hello"), udhWithoutUDHI)
	}
	wantFound(t, "text with UDHI", flagged("Hello, this is no header"), udhiWithoutUDH)
	wantFound(t, "nothing with UDHI", flagged(""), udhiWithoutUDH)
	wantFound(t, "part 3 of 2 is no header", plain("\x05\x00\x03\xAA\x02\x03 and text"), latin1AsDefault)
	wantFound(t, "153 septets", flagged(concat+strings.Repeat("a", 153)))
	wantFound(t, "154 septets", flagged(concat+strings.Repeat("a", 154)), segmentTooLong)
	for _, dc := range []smpp.DataCoding{0x10, 0xF1, smpp.CodingLatin1} {
		long := flagged(concat + strings.Repeat("a", 153))
		long.DataCoding = dc
		wantFound(t, "153 septets with a class, or of Latin-1", long)
	}
	octets := flagged(concat + strings.Repeat("a", 135))
	octets.DataCoding = smpp.CodingBinary8
	wantFound(t, "135 octets", octets, segmentTooLong)
	flash := written(0xF0, []byte("caf\xe9 ol\xe9"))
	wantFound(t, "Latin-1 in a flash message", flash, latin1AsDefault)
	wide16 := flagged(concat + strings.Repeat("\x4e\x10", 68))
	wide16.DataCoding = smpp.CodingUCS2
	wantFound(t, "68 characters of UCS-2", wide16, segmentTooLong)
	wantFound(t, "packed behind a header", flagged(concat+packedAfter(t, "this text is packed after a header", 1)), packedAsDefault)
}

// packedAfter packs septets after some bits of filling.
func packedAfter(t *testing.T, text string, fill int) string {
	t.Helper()
	octets := make([]byte, (fill+7*len(text)+7)/8)
	for i, c := range []byte(text) {
		for bit := range 7 {
			at := fill + 7*i + bit
			octets[at/8] |= c >> bit & 1 << (at % 8)
		}
	}
	return string(octets)
}

func TestInspect_SAR_AllThreeOrNone(t *testing.T) {
	for _, c := range []struct {
		ref           bool
		total, number int
		wrong         bool
	}{
		{true, 2, 1, false}, {true, 2, 2, false}, {true, 2, -1, true}, {true, -1, 1, true}, {false, 2, 1, true}, {false, -1, -1, false},
		{true, 2, 3, true}, {true, 2, 0, true}, {true, -1, -1, true},
	} {
		sm := &smpp.SubmitSM{ShortMessage: []byte("Hello")}
		if c.ref {
			sm.TLVs = sm.TLVs.AppendUint16(smpp.TagSARMsgRefNum, 7)
		}
		if c.total >= 0 {
			sm.TLVs = sm.TLVs.AppendUint8(smpp.TagSARTotalSegments, uint8(c.total))
		}
		if c.number >= 0 {
			sm.TLVs = sm.TLVs.AppendUint8(smpp.TagSARSegmentSeqnum, uint8(c.number))
		}
		if found := inspect(sm, smpp.GSM0338); found.has(sarIncomplete) != c.wrong {
			t.Errorf("%+v: found %s", c, wordsOf(found))
		}
	}
}

// The text of message_payload is looked at like that of short_message.
func TestInspect_Payload(t *testing.T) {
	sm := &smpp.SubmitSM{TLVs: smpp.TLVs{}.Append(smpp.TagMessagePayload, []byte("caf\xe9 cr\xe8me"))}
	wantFound(t, "Latin-1 as payload", sm, latin1AsDefault)
}

func FuzzInspect(f *testing.F) {
	for _, text := range ordinary {
		f.Add(uint8(0), uint8(0), []byte(text), []byte(nil))
	}
	f.Add(uint8(8), uint8(0x40), []byte("\x05\x00\x03\xAA\x02\x01Hello"), []byte("\x02\x0c\x00\x02\x00\x07"))
	f.Fuzz(func(t *testing.T, dc, esm uint8, data, tlvs []byte) {
		sm := &smpp.SubmitSM{DataCoding: smpp.DataCoding(dc), ESMClass: smpp.ESMClass(esm), ShortMessage: data, TLVs: tlvs}
		for _, a := range []smpp.Alphabet{smpp.GSM0338, smpp.Latin1, smpp.ASCII, smpp.GSM0338Packed} {
			if found := inspect(sm, a); found>>otherMistake != 0 {
				t.Errorf("found %b", found)
			}
		}
	})
}

func TestInspect_AllocatesNothing(t *testing.T) {
	clean := written(smpp.CodingDefault, []byte(ordinary[0]))
	dirty := written(smpp.CodingDefault, []byte("caf\xe9 cr\xe8me, s'il vous pla\xeet"))
	if n := testing.AllocsPerRun(100, func() { inspect(clean, smpp.GSM0338); inspect(dirty, smpp.GSM0338) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkInspect_OrdinaryText(b *testing.B) {
	for name, text := range map[string]string{"50": ordinary[0], "160": strings.Repeat("Hello wo", 20)} {
		b.Run(name, func(b *testing.B) {
			sm := written(smpp.CodingDefault, []byte(text))
			b.ReportAllocs()
			for b.Loop() {
				inspect(sm, smpp.GSM0338)
			}
		})
	}
}
