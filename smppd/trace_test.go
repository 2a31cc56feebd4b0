package smppd

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smpp"
)

// summary is one line for each PDU: who sent it, what, and how many of them.
func summary(all []TracedPDU) string {
	var lines []string
	for _, p := range all {
		line := p.From + " " + p.Header.ID.String()
		if p.Count > 1 {
			line += fmt.Sprint(" x", p.Count)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestTrace_BothDirections_DecodedAndRedactedByDefault(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TRX)
		s := r.session()
		time.Sleep(time.Second)
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("31612345678")))
		p.write(header(16, 0x999, 9))
		p.expect(smpp.IDGenericNack, smpp.StatusInvCmdID, 9)
		want := "ESME bind_transceiver\nSMSC bind_transceiver_resp\nESME submit_sm\nSMSC submit_sm_resp\nESME command_id(0x00000999)\nSMSC generic_nack"
		redacted, open := s.Trace(true), s.Trace(false)
		if got := summary(redacted); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		if at := redacted[2].Time.Sub(redacted[0].Time); at != time.Second {
			t.Errorf("the second request came %v after the first, want 1 s", at)
		}
		if redacted[3].Header.Sequence != 2 || redacted[5].Header.Status != smpp.StatusInvCmdID {
			t.Errorf("headers %+v, %+v", redacted[3].Header, redacted[5].Header)
		}
		for _, c := range []struct {
			pdus []TracedPDU
			at   int
			want []smpp.Field
		}{
			{redacted, 2, []smpp.Field{{Name: "destination_addr", Value: "***********"}, {Name: "short_message", Value: "*****"}}},
			{open, 2, []smpp.Field{{Name: "destination_addr", Value: "31612345678"}, {Name: "short_message", Value: "Hello"}}},
			{open, 0, []smpp.Field{{Name: "system_id", Value: "esme"}, {Name: "password", Value: "******"}}},
		} {
			text := fmt.Sprint(c.pdus[c.at].Fields)
			for _, f := range c.want {
				if !strings.Contains(text, fmt.Sprint(f)) {
					t.Errorf("%v is not among %s", f, text)
				}
			}
		}
		if bytes.Contains(redacted[2].Octets, []byte("3161")) || !bytes.Equal(open[2].Octets, frame(t, 2, message("31612345678"))) {
			t.Errorf("octets %q, %q", redacted[2].Octets, open[2].Octets)
		}
	})
}

func TestTrace_Password_NeverInTheRing(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.connect()
	wrong := bindPDU(TRX)
	wrong.Password = "hunter2"
	p.expect(smpp.IDBindTransceiverResp, smpp.StatusBindFail, p.send(wrong))
	p.write(body(smpp.IDBindReceiver, 2, "esme\x00", "hunter2-and-more\x00", "\x00\x34\x00\x00\x00"))
	p.expect(smpp.IDBindReceiverResp, smpp.StatusInvPaswd, 2)
	for s := range r.srv.sessions {
		if ring := s.trace.copy(); bytes.Contains(ring, []byte("hunter")) || !bytes.Contains(ring, []byte("esme")) {
			t.Errorf("the ring holds %q", ring)
		}
	}
}

func TestTrace_EnquireLinks_CountedNotKept(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TRX)
		s := r.session()
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("316")))
		for range 1000 {
			p.alive()
		}
		for range 300 {
			seq, _ := p.expectRequest(smpp.IDEnquireLink)
			p.reply(smpp.StatusOK, seq, &smpp.EnquireLinkResp{})
		}
		synctest.Wait()
		want := "ESME bind_transceiver\nSMSC bind_transceiver_resp\nESME submit_sm\nSMSC submit_sm_resp\n" +
			"ESME enquire_link x1000\nSMSC enquire_link_resp x1000\nSMSC enquire_link x300\nESME enquire_link_resp x300"
		all := s.Trace(true)
		if got := summary(all); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if last := all[len(all)-1]; last.Header.Sequence != 300 || last.Time.Before(all[0].Time.Add(2*time.Hour)) {
			t.Errorf("the last answer is %+v", last)
		}
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("316")))
		p.alive()
		if got := summary(s.Trace(true)); !strings.HasSuffix(got, "ESME submit_sm\nSMSC submit_sm_resp\nESME enquire_link\nSMSC enquire_link_resp") {
			t.Errorf("after another message\n%s", got)
		}
	})
}

func TestTrace_LongFrame_CutWithItsLength(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.bound(TRX)
	m := message("31612345678")
	m.ShortMessage = nil
	m.TLVs = m.TLVs.Append(smpp.TagMessagePayload, bytes.Repeat([]byte("secret "), 5000))
	n := len(frame(t, 1, m))
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(m))
	s := r.session()
	for _, redact := range []bool{true, false} {
		got := s.Trace(redact)[2]
		if got.Length != n || len(got.Octets) != traceLongest || int(got.Header.Length) != n {
			t.Errorf("length %d, %d octets kept of %d", got.Length, len(got.Octets), n)
		}
		if redact && bytes.Contains(got.Octets, []byte("secret")) {
			t.Errorf("shows %q", got.Octets)
		}
	}
}

func TestTrace_WrongLength_HeaderKept(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.bound(TRX)
	p.write(header(0xFFFFFFFF, smpp.IDSubmitSM, 7))
	p.expect(smpp.IDGenericNack, smpp.StatusInvCmdLen, 7)
	p.expectEnd()
	<-r.session().Done()
	r.stop()
	tr, ok := r.srv.Trace(r.srv.Traces()[0].ID)
	if got := summary(tr.PDUs(true)); !ok || !strings.HasSuffix(got, "ESME submit_sm\nSMSC generic_nack") {
		t.Errorf("got\n%s", got)
	}
}

func TestTrace_Off_NothingKept(t *testing.T) {
	r := start(t, Config{Trace: -1}, newBackend())
	p := r.bound(TRX)
	p.alive()
	if all := r.session().Trace(true); len(all) != 0 || len(r.srv.Traces()) != 0 {
		t.Errorf("kept %s", summary(all))
	}
}

func TestTraces_NoneKept_OfLiveSessionsOnly(t *testing.T) {
	r := start(t, Config{KeptTraces: -1}, newBackend())
	p := r.bound(TRX)
	if all := r.srv.Traces(); len(all) != 1 || !all[0].Bound || !all[0].Ended.IsZero() {
		t.Errorf("of the live session: %+v", all)
	}
	p.expect(smpp.IDUnbindResp, smpp.StatusOK, p.send(&smpp.Unbind{}))
	p.expectEnd()
	r.stop()
	if all := r.srv.Traces(); len(all) != 0 {
		t.Errorf("kept %+v", all)
	}
}

func TestRing_Bounded_LastPDUsInOrder(t *testing.T) {
	for _, half := range []int{traceLeast, 1000, 4096} {
		r := &ring{half: half}
		if r.put(0, true, frame(t, 1, bindPDU(TX))); cap(r.new) > traceLeast {
			t.Errorf("%d octets are taken by one PDU", cap(r.new))
		}
		var batch []byte
		for i := range uint32(2000) {
			one := frame(t, i+1, &smpp.SubmitSMResp{MessageID: strings.Repeat("x", int(i)%40)})
			if i%3 == 0 {
				r.putAll(int64(i), batch)
				batch = nil
			}
			batch = append(batch, one...)
		}
		r.putAll(2000, batch)
		if cap(r.new) > half || cap(r.old) > half {
			t.Errorf("halves of %d and %d octets, want %d at most", cap(r.new), cap(r.old), half)
		}
		all := records(r.copy())
		for i, rec := range all {
			want := uint32(2000 - len(all) + i + 1)
			if got := binary.BigEndian.Uint32(rec.frame[12:]); got != want {
				t.Fatalf("half %d: PDU %d of %d has sequence %d, want %d", half, i, len(all), got, want)
			}
		}
		if held := len(r.copy()); held < half-100 {
			t.Errorf("half %d: only %d octets are held", half, held)
		}
	}
}

func TestRing_LargeBatch_OnlyItsEndIsCopied(t *testing.T) {
	r := &ring{half: 512}
	var batch []byte
	for i := range uint32(3000) {
		batch = append(batch, frame(t, i+1, &smpp.SubmitSMResp{MessageID: "0123456789abcdef"})...)
	}
	r.putAll(5, batch)
	all := records(r.copy())
	if last := all[len(all)-1]; binary.BigEndian.Uint32(last.frame[12:]) != 3000 || len(all) < 512/(traceHead+33) {
		t.Errorf("%d kept, the last is %+v", len(all), last)
	}
}

func TestTraces_EndedAndRefused_KeptBounded(t *testing.T) {
	r := start(t, Config{KeptTraces: 3}, newBackend())
	for i := range 5 {
		p := r.connect()
		b := bindPDU(TRX)
		b.SystemID = fmt.Sprint("good", i)
		p.expect(smpp.IDBindTransceiverResp, smpp.StatusOK, p.send(b))
		p.expect(smpp.IDUnbindResp, smpp.StatusOK, p.send(&smpp.Unbind{}))
		p.expectEnd()
		p = r.connect()
		b.SystemID, b.Password = fmt.Sprint("bad", i), "wrong"
		for range 3 {
			p.expect(smpp.IDBindTransceiverResp, smpp.StatusBindFail, p.send(b))
		}
		p.expectEnd()
	}
	r.connect().conn.Close() // said nothing: no trace
	live := r.bound(RX)
	live.alive()
	for len(r.srv.snapshot()) != 1 {
		time.Sleep(time.Millisecond)
	}
	var got []string
	for _, info := range r.srv.Traces() {
		got = append(got, fmt.Sprintf("%s %v %q", info.SystemID, info.Bound, info.Reason))
	}
	const ended, refused = `true "unbind from the ESME"`, `false "too many binds were refused"`
	want := []string{`esme true ""`, "bad4 " + refused, "good4 " + ended, "bad3 " + refused, "good3 " + ended, "bad2 " + refused, "good2 " + ended}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	bad, ok := r.srv.Trace(r.srv.Traces()[1].ID)
	if !ok || summary(bad.PDUs(true)) != strings.TrimSuffix(strings.Repeat("ESME bind_transceiver\nSMSC bind_transceiver_resp\n", 3), "\n") {
		t.Errorf("the refused one: %v, %s", ok, summary(bad.PDUs(true)))
	}
	if _, ok := r.srv.Trace("nobody"); ok {
		t.Error("there is no such trace")
	}
}

func TestTrace_ReadUnderLoad_PDUsWhole(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.bound(TRX)
	s := r.session()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				for _, pdu := range s.Trace(false) {
					if pdu.Length != len(pdu.Octets) || int(pdu.Header.Length) != pdu.Length {
						t.Errorf("torn: %+v", pdu)
					}
				}
				_ = r.srv.Traces()
			}
		})
	}
	for range 300 {
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("316")))
	}
	stop()
	wg.Wait()
}

// BenchmarkTrace is what tracing costs for one submit_sm and its answer, in a batch of 50.
func BenchmarkTrace(b *testing.B) {
	r := &ring{half: 4 << 10}
	m := message("31612345678")
	m.ShortMessage = make([]byte, 140)
	in := frame(b, 1, m)
	out := bytes.Repeat(frame(b, 1, &smpp.SubmitSMResp{MessageID: "0123456789abcdef"}), 50)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		r.put(int64(n), true, in)
		if n%50 == 0 {
			r.putAll(int64(n), out)
		}
	}
}
