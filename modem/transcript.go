package modem

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// Transcript gives what was said to the modem and by it lately, over all openings of its port. Without full it holds no text and no
// number; a PIN it never holds.
func (m *Modem) Transcript(full bool) at.Transcript {
	began, entries := m.record.Entries()
	return transcript(m.Info(), began, entries, full)
}

// transcript puts the header on a conversation.
func transcript(i Info, began time.Time, entries []at.Entry, full bool) at.Transcript {
	imei, redacted := i.IMEI, "no"
	if !full {
		entries, redacted = at.Redact(entries, pdu.Mask), "yes"
		imei = maskIMEI(imei)
	}
	var t at.Transcript
	for _, f := range []at.Field{
		{Key: "modem", Value: strings.TrimSpace(i.Manufacturer + " " + i.Model)}, {Key: "firmware", Value: i.Revision}, {Key: "path", Value: i.Path},
		{Key: "imei", Value: imei}, {Key: "recorded", Value: began.UTC().Format(time.RFC3339Nano)}, {Key: "redacted", Value: redacted},
	} {
		if f.Value != "" {
			t.Header = append(t.Header, f)
		}
	}
	t.Entries = entries
	return t
}

// maskIMEI leaves the type allocation code.
func maskIMEI(imei string) string {
	if len(imei) < 8 {
		return imei
	}
	return imei[:8] + strings.Repeat("0", len(imei)-8)
}

// Find gives the modem with that IMEI or at that path; the last part of a path will do where it is the only such. nil: there is none.
func (b *Bank) Find(id string) *Modem {
	for _, is := range []func(*Modem) bool{
		func(m *Modem) bool { return m.path == id },
		func(m *Modem) bool { return m.Info().IMEI == id && id != "" },
		func(m *Modem) bool { return filepath.Base(m.path) == id },
	} {
		found := slices.DeleteFunc(b.list(), func(m *Modem) bool { return !is(m) })
		if len(found) == 1 {
			return found[0]
		}
	}
	return nil
}

// mark notes the borders of sessions. A port that cannot be opened is tried again and again: the same reason is noted once.
func (m *Modem) mark(text string) {
	if text != m.marked {
		m.record.Mark(text)
	}
	m.marked = text
}
