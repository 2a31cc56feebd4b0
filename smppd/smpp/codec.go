package smpp

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unsafe"
)

const fieldCommandLength = "command_length"

// ParseHeader reads the header from the first 16 octets of b. A command_length
// of less than 16 is an error, with the header that was read.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, &Error{Status: StatusInvCmdLen, Field: fieldCommandLength, Reason: "header of less than 16 octets"}
	}
	h := Header{
		Length:   binary.BigEndian.Uint32(b),
		ID:       CommandID(binary.BigEndian.Uint32(b[4:])),
		Status:   CommandStatus(binary.BigEndian.Uint32(b[8:])),
		Sequence: binary.BigEndian.Uint32(b[12:]),
	}
	if h.Length < HeaderLen {
		return h, lengthError(h, "less than 16")
	}
	return h, nil
}

func lengthError(h Header, reason string) *Error {
	return &Error{Header: h, HeaderOK: true, Status: StatusInvCmdLen, Field: fieldCommandLength, Reason: reason}
}

// Parse reads one whole PDU. The result owns frame: its strings and slices are
// parts of it, so the caller must not write to frame again. Nothing else is
// allocated but the PDU itself (and the lists of submit_multi).
//
// An error is an *Error, and the Header is returned with it when it could be
// read. A response without a body is right whatever its status is.
func Parse(frame []byte) (Header, PDU, error) {
	h, err := ParseHeader(frame)
	if err != nil {
		return h, nil, err
	}
	if int64(h.Length) != int64(len(frame)) {
		return h, nil, lengthError(h, "not the length of the PDU")
	}
	p := newPDU(h.ID)
	if p == nil {
		return h, nil, &Error{Header: h, HeaderOK: true, Status: StatusInvCmdID,
			Field: "command_id", Offset: 4, Reason: "unknown command"}
	}
	if len(frame) == HeaderLen && h.ID.IsResponse() {
		return h, p, nil
	}
	c := coder{b: frame, off: HeaderLen}
	c.body(p)
	if c.err != nil {
		c.err.Header, c.err.HeaderOK = h, true
		return h, nil, c.err
	}
	return h, p, nil
}

// Append appends the PDU to dst; it allocates nothing when dst has room. Fields
// beyond their limits are an *Error with the status that the far end would
// answer with, and dst is returned as it was. The body of responses
// that hold a message_id is left out when status is not StatusOK. [SMPP34 4.1.2, 4.4.2]
func Append(dst []byte, status CommandStatus, sequence uint32, p PDU) ([]byte, error) {
	start := len(dst)
	id := p.CommandID()
	c := coder{b: append(dst, make([]byte, HeaderLen)...), start: start, encode: true}
	if status == StatusOK || !bodyOnlyWhenOK(id, p) {
		c.body(p)
	}
	h := Header{Length: uint32(len(c.b) - start), ID: id, Status: status, Sequence: sequence}
	if c.err != nil {
		c.err.Header, c.err.HeaderOK = h, true
		return dst, c.err
	}
	b := c.b[start:]
	binary.BigEndian.PutUint32(b, h.Length)
	binary.BigEndian.PutUint32(b[4:], uint32(h.ID))
	binary.BigEndian.PutUint32(b[8:], uint32(h.Status))
	binary.BigEndian.PutUint32(b[12:], h.Sequence)
	return c.b, nil
}

// bodyOnlyWhenOK reports whether there is nothing to say beside an error. The
// specification says so of binds and submit_sm; the others follow. data_sm_resp
// may tell more in parameters. [SMPP34 4.7.2]
func bodyOnlyWhenOK(id CommandID, p PDU) bool {
	switch id {
	case IDSubmitSMResp, IDSubmitMultiResp, IDQuerySMResp:
		return true
	case IDDataSMResp:
		d, ok := p.(*DataSMResp)
		return ok && d.MessageID == "" && len(d.TLVs) == 0
	}
	return id.IsResponse() && (id &^ respBit).IsBind()
}

// coder walks over the fields of a PDU, in one direction or the other: each
// PDU names its fields once. After an error it does nothing more.
type coder struct {
	b      []byte // the frame, or what was written so far
	off    int    // decoding: the next octet
	start  int    // encoding: where the PDU begins in b
	encode bool
	loose  bool    // times of any form: deliver_sm of real providers
	visit  visitor // decoding: is told of each field; nil when the PDU is all that is wanted
	err    *Error
}

// body codes the fields of p. A call through the interface moves the coder to
// the heap; the commands of every day are spared that.
func (c *coder) body(p PDU) {
	switch p := p.(type) {
	case *SubmitSM:
		p.fields(c)
	case *DeliverSM:
		p.fields(c)
	case *SubmitSMResp:
		p.fields(c)
	case *DeliverSMResp:
		p.fields(c)
	case *EnquireLink:
		p.fields(c)
	case *EnquireLinkResp:
		p.fields(c)
	default:
		onHeap := *c
		p.fields(&onHeap)
		*c = onHeap
	}
}

func (c *coder) pos() int {
	if c.encode {
		return len(c.b) - c.start
	}
	return c.off
}

func (c *coder) fail(field string, status CommandStatus, reason string) {
	if c.err == nil {
		c.err = &Error{Status: status, Field: field, Offset: c.pos(), Reason: reason}
	}
}

// missing is the error of a PDU that ends before the field. [SMPP50 4.7.6]
func (c *coder) missing(field string) {
	c.fail(field, StatusInvCmdLen, "missing: the PDU ends before it")
}

// octet codes an integer of one octet.
func (c *coder) octet(field string, v *uint8) {
	switch {
	case c.err != nil:
	case c.encode:
		c.b = append(c.b, *v)
	case c.off >= len(c.b):
		c.missing(field)
	default:
		*v = c.b[c.off]
		c.off++
		c.saw(field, kindInteger, c.off-1, c.off)
	}
}

// uint32 codes an integer of four octets.
func (c *coder) uint32(field string, v *uint32) {
	switch {
	case c.err != nil:
	case c.encode:
		c.b = binary.BigEndian.AppendUint32(c.b, *v)
	case c.off+4 > len(c.b):
		c.missing(field)
	default:
		*v = binary.BigEndian.Uint32(c.b[c.off:])
		c.off += 4
		c.saw(field, kindInteger, c.off-4, c.off)
	}
}

// text codes a C-octet string of at most limit octets, its NUL among them.
// [SMPP34 3.1]
func (c *coder) text(field string, v *string, limit int, status CommandStatus) {
	switch {
	case c.err != nil:
	case c.encode:
		c.appendText(field, *v, limit, status)
	case c.off >= len(c.b):
		c.missing(field)
	default:
		rest := c.b[c.off:min(len(c.b), c.off+limit)]
		n := bytes.IndexByte(rest, 0)
		switch {
		case n >= 0:
			*v = view(rest[:n])
			c.off += n + 1
			c.saw(field, kindText, c.off-n-1, c.off-1)
		case len(rest) == limit:
			c.fail(field, status, "longer than "+strconv.Itoa(limit)+" octets with its NUL")
		default:
			c.fail(field, status, "no NUL at its end")
		}
	}
}

func (c *coder) appendText(field, v string, limit int, status CommandStatus) {
	if len(v) >= limit {
		c.fail(field, status, "longer than "+strconv.Itoa(limit)+" octets with its NUL")
		return
	}
	start := len(c.b)
	c.b = append(append(c.b, v...), 0)
	if bytes.IndexByte(c.b[start:], 0) != len(v) {
		c.b = c.b[:start]
		c.fail(field, status, "holds a NUL")
	}
}

// view returns b as a string without a copy. The frame is never written again,
// so the string is as constant as any other.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// time codes a time: nothing or 16 characters. [SMPP34 7.1.1]
func (c *coder) time(field string, v *string, status CommandStatus) {
	at := c.off
	c.text(field, v, 17, status)
	if c.err == nil && !c.loose && len(*v) != 0 && len(*v) != 16 {
		c.off = at
		c.fail(field, status, "neither empty nor of 16 characters")
	}
}

// shortMessage codes sm_length and short_message. [SMPP34 5.2.21, 5.2.22]
func (c *coder) shortMessage(v *[]byte) {
	const maxShortMessage = 254
	n := uint8(min(len(*v), maxShortMessage+1))
	at := c.off
	c.octet("sm_length", &n)
	switch {
	case c.err != nil:
	case n > maxShortMessage:
		c.off = at
		c.fail("sm_length", StatusInvMsgLen, "more than 254")
	case c.encode:
		c.b = append(c.b, *v...)
	case c.off+int(n) > len(c.b):
		c.off = at
		c.fail("sm_length", StatusInvMsgLen, "beyond the end of the PDU")
	default:
		*v = c.b[c.off : c.off+int(n) : c.off+int(n)]
		c.off += int(n)
		c.saw("short_message", kindMessage, c.off-int(n), c.off)
	}
}

// tlvs codes the optional parameters: all that is left. [SMPP34 3.2.4]
func (c *coder) tlvs(v *TLVs) {
	if c.err != nil {
		return
	}
	if !c.encode {
		*v = TLVs(c.b[c.off:len(c.b):len(c.b)])
		c.sawTLVs(*v)
	}
	if at, reason := v.scan(); reason != "" {
		if !c.encode {
			c.off += at
		}
		c.fail("optional parameters", StatusInvOptParStream, reason)
		return
	}
	if c.encode {
		c.b = append(c.b, *v...)
	}
}

// nothing codes the body of a PDU that has none. Well-formed parameters are
// unknown ones, and ignored; anything else is a wrong length. [SMPP34 3.3]
func (c *coder) nothing(v *TLVs) {
	if c.tlvs(v); c.err != nil {
		c.err.Status = StatusInvCmdLen
	}
}
