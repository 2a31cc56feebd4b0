package smpp

import (
	"bufio"
	"errors"
	"io"
)

// DefaultMaxPDU is a command_length that lets any short_message and a
// message_payload of 64 KiB pass.
const DefaultMaxPDU = 70 << 10

const readBuffer = 4096

// Reader cuts a stream into frames. It is for one goroutine.
type Reader struct {
	r   *bufio.Reader
	max int
	err error // the first error, given back ever after: the framing is lost
}

// NewReader returns a Reader that lets no command_length above maxPDU pass; 0
// means DefaultMaxPDU.
func NewReader(r io.Reader, maxPDU int) *Reader {
	if maxPDU <= 0 {
		maxPDU = DefaultMaxPDU
	}
	return &Reader{r: bufio.NewReaderSize(r, readBuffer), max: maxPDU}
}

// ReadFrame returns the next PDU, in memory of its own that Parse may take over.
//
// io.EOF means that the stream ended between two PDUs, io.ErrUnexpectedEOF that
// it ended within one. A command_length below 16 or above the limit is an
// *Error with StatusInvCmdLen, and with the header when that has come in. Errors
// stay: where the next PDU begins is not known any more.
func (r *Reader) ReadFrame() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	frame, err := r.readFrame()
	r.err = err
	return frame, err
}

func (r *Reader) readFrame() ([]byte, error) {
	head, err := r.peekHeader()
	if err != nil {
		return nil, err
	}
	h, err := ParseHeader(head)
	if err != nil {
		return nil, err
	}
	if int64(h.Length) > int64(r.max) {
		return nil, lengthError(h, "more than the greatest length accepted")
	}
	return r.take(int(h.Length))
}

// peekHeader waits for a whole header, but not when the length in its first
// four octets says that there is none: then it takes what has come along.
func (r *Reader) peekHeader() ([]byte, error) {
	head, err := r.r.Peek(4)
	if err == nil {
		if head[0]|head[1]|head[2] == 0 && head[3] < HeaderLen {
			return r.r.Peek(min(HeaderLen, r.r.Buffered()))
		}
		head, err = r.r.Peek(HeaderLen)
	}
	if errors.Is(err, io.EOF) && len(head) > 0 {
		err = io.ErrUnexpectedEOF
	}
	return head, err
}

// take returns the next n octets. Memory is taken for what has come in, not for
// what was announced: up to twice of it, beside the buffer.
func (r *Reader) take(n int) ([]byte, error) {
	begin := min(n, r.r.Size())
	if _, err := r.r.Peek(begin); err != nil {
		return nil, unexpected(err)
	}
	frame := make([]byte, 0, begin)
	for {
		part, _ := r.r.Peek(min(n-len(frame), r.r.Buffered()))
		frame = append(frame, part...)
		_, _ = r.r.Discard(len(part))
		if len(frame) == n {
			return frame, nil
		}
		if _, err := r.r.Peek(1); err != nil {
			return nil, unexpected(err)
		}
	}
}

// Buffered returns how many octets have come in beyond the last frame: with 0
// the next ReadFrame waits for the peer, and answers had better be flushed.
func (r *Reader) Buffered() int { return r.r.Buffered() }

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
