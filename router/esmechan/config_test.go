package esmechan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

func TestCheck_BadSettings_NameTheField(t *testing.T) {
	good := storage.SMPPChannel{Address: "smpp.example.net:2775", SystemID: "gate", Password: "secret"}
	if err := Check(&storage.Channel{Name: "up", Kind: "smpp", SMPP: &good}); err != nil {
		t.Fatal(err)
	}
	for field, changes := range map[string][]func(*storage.SMPPChannel){
		"address":     {func(c *storage.SMPPChannel) { c.Address = "smpp.example.net" }, func(c *storage.SMPPChannel) { c.Address = ":2775" }, func(c *storage.SMPPChannel) { c.Address = "h:0" }},
		"system_id":   {func(c *storage.SMPPChannel) { c.SystemID = "" }, func(c *storage.SMPPChannel) { c.SystemID = "longer than fifteen" }},
		"password":    {func(c *storage.SMPPChannel) { c.Password = strings.Repeat("secret", 11) }},
		"version":     {func(c *storage.SMPPChannel) { c.Version = 0x35 }},
		"binds":       {func(c *storage.SMPPChannel) { c.Binds = 65 }},
		"window":      {func(c *storage.SMPPChannel) { c.Window = -1 }},
		"rate":        {func(c *storage.SMPPChannel) { c.Rate = -1 }},
		"tls":         {func(c *storage.SMPPChannel) { c.Pin = "00" }},
		"ca":          {func(c *storage.SMPPChannel) { c.TLS, c.CA = true, "x" }},
		"pin":         {func(c *storage.SMPPChannel) { c.TLS, c.Pin = true, "abcd" }},
		"cert":        {func(c *storage.SMPPChannel) { c.TLS, c.Cert = true, "x" }, func(c *storage.SMPPChannel) { c.TLS, c.Cert, c.Key = true, "x", "y" }},
		"alphabet":    {func(c *storage.SMPPChannel) { c.Alphabet = "utf8" }},
		"long":        {func(c *storage.SMPPChannel) { c.Long = "split" }, func(c *storage.SMPPChannel) { c.Long, c.Version = "sar", smpp.Version33 }},
		"source":      {func(c *storage.SMPPChannel) { c.Source = "1" }},
		"dest":        {func(c *storage.SMPPChannel) { c.Dest = "a/b" }},
		"statuses":    {func(c *storage.SMPPChannel) { c.Statuses = []string{"0x45=never"} }},
		"submit_ids":  {func(c *storage.SMPPChannel) { c.SubmitIDs = "octal" }},
		"receipt_ids": {func(c *storage.SMPPChannel) { c.ReceiptIDs = "octal" }},
		"zone":        {func(c *storage.SMPPChannel) { c.Zone = "Mars/Olympus" }},
	} {
		for i, change := range changes {
			c := good
			change(&c)
			var re *router.Error
			if err := Check(&storage.Channel{Name: "up", Kind: "smpp", SMPP: &c}); !errors.As(err, &re) || re.Code != router.Invalid || re.Field != field {
				t.Errorf("%s, %d: %v", field, i, err)
			}
		}
	}
}

func TestClasses_EveryStatus(t *testing.T) {
	own, err := parseOverrides([]string{"0x45=permanent", "1025=throttle", "0x66=final"})
	if err != nil {
		t.Fatal(err)
	}
	for status, want := range map[smpp.CommandStatus]Class{
		smpp.StatusThrottled: Throttle, smpp.StatusMsgQFul: Throttle, smpp.StatusSysErr: Temporary, smpp.StatusInvDstAdr: Permanent, smpp.StatusInvSrcAdr: Permanent,
		smpp.StatusInvBndSts: Ill, smpp.StatusInvPaswd: Ill, smpp.StatusXTAppn: Temporary, smpp.StatusXPAppn: Permanent, smpp.StatusXRAppn: Final,
		smpp.StatusSubmitFail: Permanent, 1025: Throttle, 1026: Temporary, 0x500: Temporary, smpp.StatusInvDCS: Permanent, smpp.StatusProhibited: Ill,
	} {
		if got := own.classOf(status); got != want {
			t.Errorf("%s is %s, want %s", status, got, want)
		}
	}
	if (overrides{}).classOf(smpp.StatusSubmitFail) != Temporary {
		t.Error("ESME_RSUBMITFAIL is not temporary")
	}
	for _, s := range []string{"", "0x45", "x=permanent", "0=ill", "1=maybe"} {
		if _, err := parseOverrides([]string{s}); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

// A connection that is lost is made again soon; one that is refused is not forced.
func TestPauseAfter_LostAndRefused(t *testing.T) {
	refused := &esme.StatusError{Response: smpp.IDBindTransceiverResp, Status: smpp.StatusBindFail}
	busy := &esme.StatusError{Response: smpp.IDBindTransceiverResp, Status: smpp.StatusThrottled}
	for _, c := range []struct {
		n        int
		err      error
		from, to time.Duration
	}{
		{1, esme.ErrSilent, 300 * time.Millisecond, 500 * time.Millisecond}, {20, esme.ErrSilent, 20 * time.Second, 30 * time.Second},
		{1, refused, 6 * time.Second, 10 * time.Second}, {20, refused, 6 * time.Minute, 10 * time.Minute}, {1, busy, time.Second, 2 * time.Second},
	} {
		for _, jitter := range []float64{0, 0.999} {
			if d := pauseAfter(c.n, c.err, jitter); d < c.from || d > c.to {
				t.Errorf("after %d of %v: %v", c.n, c.err, d)
			}
		}
	}
}
