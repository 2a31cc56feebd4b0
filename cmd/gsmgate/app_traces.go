package main

import (
	"encoding/hex"
	"io"

	"gsmgate/provisioning"
	"gsmgate/smppd"
)

// traces shows of which SMPP sessions there is a trace, the newest first.
func (a *App) traces() []provisioning.TraceInfo {
	var all []provisioning.TraceInfo
	for _, t := range a.server.Traces() {
		all = append(all, traceInfo(t))
	}
	return all
}

func traceInfo(t smppd.TraceInfo) provisioning.TraceInfo {
	return provisioning.TraceInfo{
		ID: t.ID, User: t.SystemID, Remote: t.Remote, Bound: t.Bound,
		Started: t.Started, Ended: timeIfSet(t.Ended), Reason: t.Reason,
	}
}

func (a *App) trace(id string, full bool) (provisioning.Trace, bool) {
	t, ok := a.server.Trace(id)
	if !ok {
		return provisioning.Trace{}, false
	}
	v := provisioning.Trace{TraceInfo: traceInfo(t.TraceInfo), Full: full, PDUs: []provisioning.TracedPDU{}}
	for _, p := range t.PDUs(!full) {
		v.PDUs = append(v.PDUs, tracedPDU(p))
	}
	return v, true
}

func tracedPDU(p smppd.TracedPDU) provisioning.TracedPDU {
	v := provisioning.TracedPDU{
		Time: p.Time, From: p.From, Count: p.Count, Command: p.Header.ID.String(), Status: p.Header.Status.String(),
		Sequence: p.Header.Sequence, Length: p.Length, Fields: []provisioning.TracedField{}, Octets: hex.EncodeToString(p.Octets),
	}
	for _, f := range p.Fields {
		v.Fields = append(v.Fields, provisioning.TracedField(f))
	}
	return v
}

func (a *App) tracePCAP(id string, full bool) (write func(io.Writer) error, ok bool) {
	t, ok := a.server.Trace(id)
	if !ok {
		return nil, false
	}
	return func(w io.Writer) error { return t.WritePCAP(w, !full) }, true
}
