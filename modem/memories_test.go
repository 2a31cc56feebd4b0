package modem

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/pdu"
)

// card answers AT+CPMS, +CMGL, +CMGR and +CMGD from places, as a modem with the ways of the test does.
type card struct {
	*stick
	places   map[int]string // index → "<stat>,,<length>\n<PDU>"
	total    int
	lists    func(c *card, stat string) string // nil: by the book
	refuses  bool                              // AT+CMGD
	lies     bool                              // says OK to it, and deletes nothing
	deletion string                            // the form of AT+CMGD that is taken, with %d; "" for any
}

func newCard(total int) *card {
	c := &card{stick: newStick(), places: map[int]string{}, total: total}
	c.answers["AT+CPMS=?"] = `+CPMS: ("SM"),("SM"),("SM")`
	c.hook = c.command
	return c
}

func (c *card) command(line string) (string, bool) {
	var index int
	switch {
	case strings.HasPrefix(line, `AT+CPMS="SM"`):
		return fmt.Sprintf("+CPMS: %d,%d,%d,%d,%d,%d", len(c.places), c.total, len(c.places), c.total, len(c.places), c.total), true
	case strings.HasPrefix(line, "AT+CMGL="):
		if c.lists != nil {
			return c.lists(c, line[len("AT+CMGL="):]), true
		}
		return c.list(true), true
	case scan(line, "AT+CMGR=%d", &index):
		if c.places[index] == "" {
			return "OK", true
		}
		return "+CMGR: " + c.places[index], true
	case scan(line, "AT+CMGD=%d", &index):
		if c.refuses || c.deletion != "" && line != fmt.Sprintf(c.deletion, index) {
			return "+CMS ERROR: 302", true
		}
		if !c.lies {
			delete(c.places, index)
		}
		return "OK", true
	}
	return "", false
}

func scan(line, format string, index *int) bool {
	n, _ := fmt.Sscanf(line, format, index)
	return n == 1
}

// list gives all places in order, without their PDUs when they are not wanted.
func (c *card) list(bodies bool) string {
	var lines []string
	for i := range c.total + 1 {
		if header, body, ok := strings.Cut(c.places[i], "\n"); ok {
			lines = append(lines, fmt.Sprintf("+CMGL: %d,%s", i, header))
			if bodies {
				lines = append(lines, body)
			}
		}
	}
	if lines == nil {
		return "OK"
	}
	return strings.Join(lines, "\n")
}

// hold puts messages in places, from the one given on.
func (c *card) hold(t *testing.T, first, stat int, texts ...string) {
	for i, text := range texts {
		line, n := deliverLine(t, "+31612345678", text)
		c.places[first+i] = fmt.Sprintf("%d,,%d\n%s", stat, n, line)
	}
}

func (c *card) left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.places)
}

func TestSweep_ModemsThatListInTheirOwnWay_AllStoredAndDeleted(t *testing.T) {
	for name, lists := range map[string]func(*card, string) string{
		"by the book": nil,
		"refuses all": func(c *card, stat string) string {
			return pick(stat == "4", "+CMS ERROR: 302", pick(stat == "1", c.list(true), "OK"))
		},
		"refuses any list": func(*card, string) string { return "ERROR" },
		"lists no PDUs":    func(c *card, _ string) string { return c.list(false) },
		"lists nothing":    func(*card, string) string { return "OK" },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCard(20)
			c.lists = lists
			c.hold(t, 0, 1, "first, at place 0", "second")
			c.hold(t, 20, 1, "last")
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				until(t, time.Minute, "emptied", func() bool { return c.left() == 0 })
				want := []string{"deliver +31612345678 first, at place 0", "deliver +31612345678 second", "deliver +31612345678 last"}
				if got := h.list(); !slices.Equal(got, want) {
					t.Errorf("got %q", got)
				}
			}, c.stick)
		})
	}
}

func pick(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// A memory that says to hold more than can be read is not searched at every sweep.
func TestSweep_PlacesThatNobodyCanRead_LookedForOnce(t *testing.T) {
	c := newCard(10)
	c.answers[`AT+CPMS="SM"`] = "+CPMS: 3,10,3,10,3,10"
	hook := c.hook
	c.hook = func(line string) (string, bool) {
		if strings.HasPrefix(line, "AT+CPMS=") {
			return "", false
		}
		return hook(line)
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		time.Sleep(time.Hour)
		if n := c.count("AT+CMGR=5"); n != 1 {
			t.Errorf("place 5 read %d times", n)
		}
	}, c.stick)
}

// Some modems tell of a message before it can be read.
func TestReceive_IndicatedTooEarly_FoundSoon(t *testing.T) {
	c := newCard(20)
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		time.Sleep(5 * time.Second)
		c.say(`+CMTI: "SM",4`)
		time.Sleep(2 * time.Second)
		c.set(func() { c.hold(t, 4, 0, "at last") })
		until(t, 30*time.Second, "stored", func() bool { return slices.Equal(h.list(), []string{"deliver +31612345678 at last"}) && c.left() == 0 })
	}, c.stick)
}

func TestReceive_MemoryOfReportsRefused_ReadFromTheFirst(t *testing.T) {
	c := newCard(20)
	c.answers["AT+CNMI=?"] = "+CNMI: (0,1,2,3),(0,1),(0),(0,2),(0)"
	for _, form := range []string{`AT+CPMS="SR"`, `AT+CPMS="SR","SM","SM"`} {
		c.answers[form] = "+CMS ERROR: 302"
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		time.Sleep(time.Second)
		c.set(func() { c.places[3] = "0,,25\n0006110B911316325476F862101000000000621010000000000000" })
		c.say(`+CDSI: "SR",3`)
		until(t, 5*time.Second, "stored", func() bool { return slices.Equal(h.list(), []string{"report 17"}) && c.left() == 0 })
		if n := c.count(`AT+CPMS="SR"`); n != 1 {
			t.Errorf("asked for the memory %d times", n)
		}
	}, c.stick)
}

func TestReceive_MemoryThatWantsAllThreeNamed_Selected(t *testing.T) {
	c := newCard(20)
	c.answers[`AT+CPMS="MT"`], c.answers[`AT+CPMS="MT","SM","SM"`] = "ERROR", "+CPMS: 1,30,0,20,0,20"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		time.Sleep(time.Second)
		c.set(func() { c.hold(t, 7, 0, "in MT") })
		c.say(`+CMTI: "MT",7`)
		until(t, 5*time.Second, "stored", func() bool { return len(h.list()) == 1 && c.left() == 0 })
		before := c.count(`AT+CPMS="MT","SM","SM"`)
		time.Sleep(10 * time.Minute)
		if c.count(`AT+CPMS="MT","SM","SM"`) == before {
			t.Error("the memory is not swept from then on")
		}
	}, c.stick)
}

func TestSweep_MessagesToBeSentFillTheCard_StayAndAlarm(t *testing.T) {
	c := newCard(10)
	c.hold(t, 1, 2, "draft", "draft", "draft", "draft", "draft")
	tpdu := "00" + fmt.Sprintf("%X", aTPDU)
	for i := 6; i <= 9; i++ {
		c.places[i] = fmt.Sprintf("1,,%d\n%s", len(aTPDU), tpdu) // an SMS-SUBMIT that the modem calls read
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		until(t, time.Minute, "alarm", func() bool { return b.Modems()[0].StorageAlarm != "" })
		info := b.Modems()[0]
		if info.StorageAlarm != "memory SM holds 9 of 10 messages; 9 were written there to be sent and are not ours to delete" || info.StorageHint == "" {
			t.Errorf("%q, hint %q", info.StorageAlarm, info.StorageHint)
		}
		time.Sleep(time.Hour)
		if c.left() != 9 || len(h.list()) != 0 {
			t.Errorf("%d left, handler got %q", c.left(), h.list())
		}
		c.set(func() { c.places = map[int]string{} })
		until(t, 10*time.Minute, "no alarm", func() bool { return b.Modems()[0].StorageAlarm == "" })
	}, c.stick)
}

func TestSweep_ModemRefusesToDelete_StoredOnceAndAlarm(t *testing.T) {
	c := newCard(5)
	c.hold(t, 1, 1, "a", "b", "c", "d", "e")
	c.refuses = true
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		until(t, time.Minute, "alarm", func() bool { return strings.Contains(b.Modems()[0].StorageAlarm, "5 are stored here") })
		time.Sleep(time.Hour)
		if got := h.list(); len(got) != 5 {
			t.Errorf("stored more than once: %q", got)
		}
		c.set(func() { c.refuses, c.deletion = false, "AT+CMGD=%d,0" }) // it wants the second parameter
		until(t, 10*time.Minute, "deleted", func() bool { return c.left() == 0 && b.Modems()[0].StorageAlarm == "" })
	}, c.stick)
}

func TestSweep_ModemSaysOKAndDeletesNothing_StoredOnceAndAlarm(t *testing.T) {
	c := newCard(5)
	c.hold(t, 1, 1, "a", "b", "c", "d", "e")
	c.lies = true
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		until(t, 6*time.Minute, "alarm", func() bool { return strings.Contains(b.Modems()[0].StorageAlarm, "5 are stored here") })
		time.Sleep(time.Hour)
		if got, i := h.list(), b.Modems()[0]; len(got) != 5 || i.Received != 5 {
			t.Errorf("stored more than once: %q, %d counted", got, i.Received)
		}
		c.set(func() { c.hold(t, 2, 1, "other") }) // in the place of one that was stored
		until(t, 6*time.Minute, "the other", func() bool { return len(h.list()) == 6 })
		c.set(func() { c.lies = false })
		until(t, 10*time.Minute, "deleted", func() bool { return c.left() == 0 && b.Modems()[0].StorageAlarm == "" })
	}, c.stick)
}

func TestSweep_MessageWithoutOctets_KeptAndDeleted(t *testing.T) {
	c := newCard(5)
	c.hold(t, 1, 0, "a")
	c.places[3] = "1,,0\n"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		until(t, time.Minute, "emptied", func() bool { return c.left() == 0 })
		if got := h.list(); len(got) != 2 || got[1] != "undecoded +CMGL: 3,1,,0" {
			t.Errorf("got %q", got)
		}
	}, c.stick)
}

// While a list is waited for nothing can be sent.
func TestSweep_ListNeverComes_WaitedForOnceThenReadPlaceByPlace(t *testing.T) {
	c := newCard(20)
	c.lists = func(*card, string) string { return "-" }
	c.hold(t, 1, 0, "a", "b")
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		until(t, 5*time.Minute, "read", func() bool { return c.left() == 0 && b.Modems()[0].State == Ready })
		time.Sleep(time.Minute)
		c.set(func() { c.hold(t, 7, 0, "c") })
		until(t, 6*time.Minute, "read by the next sweep", func() bool { return c.left() == 0 })
		time.Sleep(time.Hour)
		if n := c.count("AT+CMGL=4") + c.count("AT+CMGL=0"); n != 1 || len(h.list()) != 3 || !strings.Contains(b.Modems()[0].LastError, "place by place") {
			t.Errorf("asked for %d lists, got %q, %s", n, h.list(), b.Modems()[0].LastError)
		}
	}, c.stick)
}

// Full is told in many ways; each makes room at once.
func TestReceive_ModemSaysFull_SweptAtOnce(t *testing.T) {
	for _, says := range []string{`^SMMEMFULL: "SM"`, "+SMFULL", "+SMSFULL", "+SMS FULL", `+CIEV: "smsfull",1`, "+CIEV: smsfull,1", "+QIND: SMS FULL"} {
		t.Run(says, func(t *testing.T) {
			c := newCard(5)
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				untilState(t, b, 0, Ready)
				time.Sleep(time.Second)
				c.set(func() { c.hold(t, 1, 0, "a", "b", "c", "d", "e") })
				c.say(says)
				until(t, 2*time.Second, "emptied", func() bool { return c.left() == 0 && len(h.list()) == 5 })
			}, c.stick)
		})
	}
}

func TestSubmit_MemoryFull_SweptAtOnce(t *testing.T) {
	c := newCard(5)
	hook := c.hook
	c.hook = func(line string) (string, bool) {
		if strings.HasSuffix(line, "^Z") {
			return "+CMS ERROR: 322", true
		}
		return hook(line)
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		m := <-h.modem
		time.Sleep(time.Second)
		c.set(func() { c.hold(t, 1, 0, "a", "b", "c", "d", "e") })
		if _, err := m.Submit(t.Context(), aTPDU); err == nil {
			t.Fatal("sent")
		}
		until(t, 2*time.Second, "emptied", func() bool { return c.left() == 0 })
	}, c.stick)
}

func TestRing_CallerShownAndMaskedInTheLog(t *testing.T) {
	for _, c := range []struct{ clip, caller, logged string }{
		{`+CLIP: "+31612345678",145,"",0,"",0`, "+31612345678", "…78"},
		{`+CLIP: "",128,"",0,"",1`, "", "withheld"},
		{"", "", "withheld"},
	} {
		k := newStick()
		var log bytes.Buffer
		bankOf(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, func(t *testing.T, b *Bank, h *memory) {
			untilState(t, b, 0, Ready)
			if k.count("AT+CLIP=1") != 1 {
				t.Error("the modem was not asked to say who calls")
			}
			k.say("RING")
			if c.clip != "" {
				k.say(c.clip)
			}
			until(t, time.Second, "hung up", func() bool { return b.Modems()[0].Calls == 1 })
			if i := b.Modems()[0]; i.LastCaller != c.caller || time.Since(i.LastCallAt) > time.Second || k.count("AT+CHUP") != 1 {
				t.Errorf("%+v", i)
			}
		}, k)
		if s := log.String(); !strings.Contains(s, "caller="+c.logged) || strings.Contains(s, "612345") {
			t.Errorf("the log says %s", s)
		}
	}
}

// An indication that voicemail waits, and that none does any more.
func TestReceive_MessageWaiting_Shown(t *testing.T) {
	k := newStick()
	indication := func(dcs uint8, udh []byte) (line string, n int) {
		d := pdu.Deliver{OA: pdu.NewAddress("+31612345678"), DCS: dcs, SCTS: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		d.UDH = udh
		tpdu, err := d.TPDU()
		if err != nil {
			t.Fatal(err)
		}
		line, n, _ = pdu.Line(pdu.Address{}, tpdu)
		return line, n
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		for _, c := range []struct {
			dcs  uint8
			udh  []byte
			want [4]uint8
		}{
			{0xC8, nil, [4]uint8{1}}, {0xC0, nil, [4]uint8{}}, {0xD9, nil, [4]uint8{0, 1}},
			{0x00, []byte{4, 1, 2, 0x80, 7}, [4]uint8{7, 1}}, {0xC8, []byte{4, 1, 2, 0, 0}, [4]uint8{0, 1}},
		} {
			line, n := indication(c.dcs, c.udh)
			k.say(fmt.Sprintf("+CMT: ,%d", n), line)
			until(t, time.Second, "shown", func() bool { return b.Modems()[0].Waiting == c.want })
		}
	}, k)
}
