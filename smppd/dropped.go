package smppd

import "strings"

// Dropped reports whether the session ended because the ESME let the connection go without unbind.
// [SMPP34 4.2]
func (s *Session) Dropped() bool {
	why := s.ending.Load()
	return why != nil && (strings.HasPrefix(why.reason, "closed by the ESME") || why.reason == "connection lost")
}
