package main

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/discover"
	"gsmgate/provisioning"
	"gsmgate/router"
	"gsmgate/router/gsmchan"
	"gsmgate/router/httpback"
	"gsmgate/router/smppchan"
	"gsmgate/smppd"
	"gsmgate/storage"
)

// startRouter makes the router with its channels and lets them run.
func (a *App) startRouter() error {
	a.router = router.New(a.db, router.Options{
		Log: a.Log.With("in", "router"), Retention: a.Retention, Sticky: a.Sticky, StickyAnswers: a.StickyAnswers, Region: a.Region, ReportTimeout: a.ReportTimeout,
		MaxQueued: a.Queues.MaxQueued, MaxQueueAge: a.Queues.MaxAge, WhenFull: a.Queues.WhenFull, TakeLate: a.Queues.TakeLate,
		TextRetention: a.Queues.KeepText, RetentionCount: a.Queues.KeepCount, TextRetentionCount: a.Queues.KeepTexts,
	})
	fixed, finder, source := a.findModems()
	a.gsm = gsmchan.New(gsmchan.Config{
		Name: "gsm", SegmentTimeout: a.SegmentTimeout, Ports: fixed, Source: source, PIN: string(a.PIN), Open: a.openModem(finder), Log: a.Log.With("in", "modem"),
		Refused: refusedPINs{filepath.Join(a.Dir, refusedDir)}, Card: a.card, Cards: a.db.SIMs, Tally: a.db.Tally,
		Profiles: a.Profiles, Resetter: &modem.Resetter{Root: discover.Under(a.ModemRoot), Command: a.ResetCommand, Log: a.Log.With("in", "modem")},
		Learn: func(ctx context.Context, iccid string, fn func(*storage.SIM) error) error {
			_, err := a.db.ChangeSIM(ctx, iccid, fn)
			return err
		},
		Begun: func(lane string) int { return a.router.Begun(a.gsm.Name(), lane) },
	})
	a.clients = smppchan.New(smppchan.Config{Router: a.router, Log: a.Log.With("in", "clients"), Retry: a.SMPP.Retry})
	a.callbacks = httpback.New(httpback.Config{Router: a.router, Log: a.Log.With("in", "callbacks"), Agent: "gsmgate/" + a.Version})
	a.router.OnSIMChange(a.gsm.SIMChanged)
	a.gsm.Use(a.router)
	for _, ch := range []router.Channel{a.gsm, a.clients, a.callbacks} {
		if err := a.router.Add(ch); err != nil {
			return err
		}
	}
	a.startUpstreams()
	a.run("router", a.router.Run)
	return nil
}

// openModem is how modems are opened.
func (a *App) openModem(f *modem.Finder) modem.Opener {
	if a.OpenModem != nil {
		return a.OpenModem
	}
	return f.Open
}

// card gives what is set for a SIM.
func (a *App) card(iccid string) storage.SIM {
	s, _ := a.db.SIM(iccid)
	s.ID = iccid
	return s
}

// findModems takes the words that stand for modems to be found out of the
// places.
func (a *App) findModems() (fixed []string, f *modem.Finder, source modem.Source) {
	f = &modem.Finder{Root: discover.Under(a.ModemRoot), Log: a.Log.With("in", "modem")}
	for _, place := range a.Modems {
		switch place {
		case modem.FindUSB:
			f.Adapters, source = true, f.Watch
		case modem.FindModems:
			source = f.Watch
		default:
			fixed = append(fixed, place)
		}
	}
	f.Fixed = fixed
	return fixed, f, source
}

// startSMPP lets clients bind on every listener that is SMPP's.
func (a *App) startSMPP() error {
	config := a.SMPP.Config
	config.Stranger = a.clients.Fault
	a.server = smppd.New(config, a.clients, a.Log.With("in", "smppd"))
	for _, l := range a.bound {
		if !l.url.smpp() {
			continue
		}
		ln, err := a.securedSMPP(l)
		if err != nil {
			return err
		}
		a.run("smpp "+l.url.String(), func(ctx context.Context) error { return a.server.Serve(ctx, ln) })
	}
	return nil
}

// securedSMPP puts TLS over an smpps listener, and asks ESMEs for certificates
// there.
func (a *App) securedSMPP(l boundListener) (net.Listener, error) {
	if !l.url.tls() {
		return l, nil
	}
	config, err := a.tlsConfig()
	if err != nil {
		return nil, err
	}
	if a.ClientCert == certAsk || a.ClientCert == certRequire {
		config, err = a.withClientCAs(config)
	}
	return tls.NewListener(l, config), err
}

func (a *App) withClientCAs(config *tls.Config) (*tls.Config, error) {
	if a.clientCAs == nil {
		cas, err := smppd.LoadClientCAs(a.ClientCA, a.Log.With("in", "tls"))
		if err != nil {
			return config, fail("--client-ca names a PEM file that this user may read", "%w", err)
		}
		a.clientCAs = cas
	}
	return a.clientCAs.Require(config, a.ClientCert == certRequire), nil
}

// modems shows the bank: fixed places in their order, then what was found.
func (a *App) modems() []provisioning.Modem {
	var all []provisioning.Modem
	infos := a.gsm.Modems()
	for _, m := range infos {
		v := a.modemView(m)
		v.Suspicion = m.Suspicion(infos, time.Now())
		all = append(all, v)
	}
	return all
}

func (a *App) modemView(m modem.Info) provisioning.Modem {
	v := provisioning.Modem{
		Path: m.Path, State: m.State.String(), Reason: m.Reason, Hint: m.Hint, Since: m.Since, Node: m.Place.Node,
		IMEI: m.IMEI, Manufacturer: m.Manufacturer, Model: m.Model, Revision: m.Revision,
		ICCID: m.SIM.ICCID, IMSI: m.SIM.IMSI, Number: m.SIM.Number, SMSC: m.SMSC, Operator: m.Operator, Roaming: m.Roaming,
		Sent: m.Sent, Refused: m.Refused, Unknown: m.Unknown, Received: m.Received, Reports: m.Reports, Sessions: m.Sessions,
		LastError: m.LastError, Calls: m.Calls, Health: m.Health, Profile: m.Profile, SMSCReason: m.SMSCReason, Registration: m.Registration, PLMN: m.PLMN,
		Cell:      provisioning.ModemCell{Area: m.Cell.Area, ID: m.Cell.ID, Access: m.Cell.Access},
		ReportWay: m.ReportWay, ReportReason: m.ReportReason, Resets: []provisioning.ModemReset{}, ResetCounts: map[string]uint64{},
		Undecoded: m.Undecoded, LastCaller: m.LastCaller,
		Waiting: waitingOf(m), Memories: []provisioning.ModemMemory{}, StorageAlarm: m.StorageAlarm, StorageHint: m.StorageHint,
	}
	for _, mem := range m.Memories {
		v.Memories = append(v.Memories, provisioning.ModemMemory(mem))
	}
	if !m.LastCallAt.IsZero() {
		v.LastCallAt = &m.LastCallAt
	}
	for _, r := range m.Resets {
		v.Resets = append(v.Resets, provisioning.ModemReset{Reset: r.Rung.String(), At: r.At, Times: r.Times, Why: r.Why, Outcome: r.Outcome})
	}
	for rung, n := range m.ResetCounts {
		v.ResetCounts[modem.Rung(rung).String()] = n
	}
	a.addSending(&v, m)
	if p := m.Place; p.USB != "" {
		v.USB = &provisioning.ModemUSB{Path: p.USB, Vendor: p.Vendor, Product: p.Product, Serial: p.Serial, Driver: p.Driver}
		if p.Interface >= 0 && p.Node != "" {
			v.USB.Interface = &p.Interface
		}
	}
	if m.Signal >= 0 && m.Signal <= 31 {
		v.Signal = &m.Signal
	}
	if m.SignalDBM != 0 {
		v.SignalDBM = &m.SignalDBM
	}
	if !m.LastErrorAt.IsZero() {
		v.LastErrorAt = &m.LastErrorAt
	}
	return v
}

// waitingOf names what waits elsewhere, by the kinds of 23.040 9.2.3.24.2.
func waitingOf(m modem.Info) map[string]int {
	all := map[string]int{}
	for i, name := range [...]string{"voicemail", "fax", "email", "other"} {
		if n := m.Waiting[i]; n > 0 {
			all[name] = int(n)
		}
	}
	return all
}
