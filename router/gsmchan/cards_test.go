package gsmchan

import (
	"context"
	"testing"
	"time"

	"gsmgate/modem"
	"gsmgate/storage"
)

// cabinet is the records of SIMs in a test.
type cabinet struct {
	all     map[string]storage.SIM
	changes int
	now     time.Time
}

func (c *cabinet) channel() *Channel {
	return New(Config{
		Now:  func() time.Time { return c.now },
		Card: func(id string) storage.SIM { s := c.all[id]; s.ID = id; return s },
		Cards: func() (all []storage.SIM) {
			for _, s := range c.all {
				all = append(all, s)
			}
			return all
		},
		Learn: func(_ context.Context, id string, fn func(*storage.SIM) error) error {
			s := c.all[id]
			s.ID = id
			c.changes++
			err := fn(&s)
			c.all[id] = s
			return err
		},
	})
}

func TestSeen_WrittenWhenItIsNewsAndOnceAnHour(t *testing.T) {
	c := &cabinet{all: map[string]storage.SIM{"89": {ID: "89", PIN: "1234", Learnt: "+311"}}, now: time.Unix(1e9, 0)}
	ch := c.channel()
	i := modem.Info{Path: "usb:1-1", IMEI: "35", SIM: modem.SIM{ICCID: "89", IMSI: "204"}}
	for range 3 {
		ch.seen(t.Context(), i)
	}
	want := storage.SIM{ID: "89", PIN: "1234", IMSI: "204", LastIMEI: "35", LastPath: "usb:1-1", LastSeen: storage.TimeOf(c.now), Learnt: "+311"}
	if got := c.all["89"]; c.changes != 1 || got.LastSeen != want.LastSeen || got.IMSI != "204" || got.LastIMEI != "35" || got.LastPath != "usb:1-1" ||
		got.PIN != "1234" || got.Learnt != "+311" {
		t.Errorf("%d changes: %+v", c.changes, got)
	}
	c.now = c.now.Add(59 * time.Minute)
	ch.seen(t.Context(), i)
	if c.changes != 1 {
		t.Errorf("%d changes within the hour", c.changes)
	}
	i.SIM.Number = "+312"
	ch.seen(t.Context(), i)
	c.now = c.now.Add(time.Hour)
	ch.seen(t.Context(), i)
	if c.changes != 3 || c.all["89"].Learnt != "+312" || c.all["89"].LastSeen != storage.TimeOf(c.now) {
		t.Errorf("%d changes: %+v", c.changes, c.all["89"])
	}
	ch.seen(t.Context(), modem.Info{})
	if c.changes != 3 || len(c.all) != 1 {
		t.Error("nobody was written down")
	}
}

func TestLastCard_TheNewestInThatModem(t *testing.T) {
	c := &cabinet{now: time.Unix(1e9, 0), all: map[string]storage.SIM{
		"1": {ID: "1", LastIMEI: "35", LastSeen: 10, PIN: "1111"}, "2": {ID: "2", LastIMEI: "35", LastSeen: 20, PIN: "2222", SMSC: "+31"}, "3": {ID: "3", LastIMEI: "36", LastSeen: 30},
		"4": {ID: "4", LastSeen: 40},
	}}
	ch := c.channel()
	for imei, want := range map[string]string{"35": "2", "36": "3", "37": "", "": ""} {
		if got := ch.lastCard(imei); got != want {
			t.Errorf("%q: %q, want %q", imei, got, want)
		}
	}
	if got := ch.modemCard("2"); got != (modem.Card{PIN: "2222", SMSC: "+31"}) {
		t.Errorf("%+v", got)
	}
}
