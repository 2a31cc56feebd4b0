package main

import (
	"gsmgate/modem"
	"gsmgate/provisioning"
)

// simState shows where a SIM is, and what keeps it from sending.
func (a *App) simState(id string) provisioning.SIMState {
	s := a.gsm.SIM(id)
	out := provisioning.SIMState{State: "sending", Reason: s.Hold.Reason}
	if s.Modem.State != modem.Absent {
		out.Modem, out.IMEI = s.Modem.Path, s.Modem.IMEI
	}
	switch {
	case !s.Served:
		out.State = "away"
	case s.Hold.On():
		out.State = "held"
	}
	if !s.Hold.Until.IsZero() {
		out.Until = &s.Hold.Until
	}
	return out
}
