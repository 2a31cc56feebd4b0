package smppd

import (
	"testing"

	"gsmgate/smppd/smpp"
)

// Who leaves without unbind is told from who unbinds and from whom this side sends away.
func TestDropped_WithoutUnbindOnly(t *testing.T) {
	for name, c := range map[string]struct {
		leave func(r *running, p *peer)
		want  bool
	}{
		"closes":        {func(_ *running, p *peer) { p.conn.Close() }, true},
		"closes midway": {func(_ *running, p *peer) { p.write([]byte{0, 0, 0, 16}); p.conn.Close() }, true},
		"unbinds":       {func(_ *running, p *peer) { p.expect(smpp.IDUnbindResp, 0, p.send(&smpp.Unbind{})) }, false},
		"wrong length": {func(_ *running, p *peer) {
			p.write(header(3, smpp.IDSubmitSM, 1))
			p.expect(smpp.IDGenericNack, smpp.StatusInvCmdLen, 1)
		}, false},
		"is not wanted": {func(r *running, p *peer) {
			go r.stop()
			seq, _ := p.expectRequest(smpp.IDUnbind)
			p.reply(0, seq, &smpp.UnbindResp{})
		}, false},
		"leaves it unsaid": {func(r *running, p *peer) { go r.stop(); p.expectRequest(smpp.IDUnbind); p.conn.Close() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Config{}, newBackend())
			p := r.bound(TRX)
			s := r.session()
			if s.Dropped() {
				t.Error("dropped while it is bound")
			}
			c.leave(r, p)
			<-s.Done()
			if got := s.Dropped(); got != c.want {
				t.Errorf("dropped: %v, want %v", got, c.want)
			}
		})
	}
}
