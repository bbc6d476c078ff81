package codec

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Text visits free text for people: error messages, hints, reasons. Unlike
// String it is cut to MaxString bytes, at a character boundary, when it is
// too long to encode, because losing the end of an explanation is better than
// losing the message that carries it.
func (c *Coder) Text(v *string) {
	if !c.enc || len(*v) <= MaxString {
		c.String(v)
		return
	}
	n := MaxString
	for n > 0 && !utf8.RuneStart((*v)[n]) {
		n--
	}
	cut := (*v)[:n]
	c.String(&cut)
}

// TextElem is the element visitor of Text.
func TextElem(v *string, c *Coder) { c.Text(v) }

// Sized visits a message with a 32-bit byte length in front. The message
// encodes straight into the output; decoding confines it to its length, so
// that one message cannot read into the next, and skips what it leaves.
func (c *Coder) Sized(m Message) {
	if c.enc {
		at := len(c.buf)
		c.buf = append(c.buf, 0, 0, 0, 0)
		m.Code(c)
		binary.BigEndian.PutUint32(c.buf[at:], uint32(len(c.buf)-at-4))
		return
	}
	var n int32
	c.I32(&n)
	if c.err == nil && (n < 0 || int(n) > c.Remaining()) {
		c.Fail(fmt.Errorf("%w: %d bytes announced, %d left", ErrShort, n, c.Remaining()))
	}
	if c.err != nil {
		return
	}
	whole, end := c.buf, c.off+int(n)
	c.buf = c.buf[:end]
	m.Code(c)
	c.buf = whole
	if c.err == nil {
		c.off = end
	}
}

// At visits a message at a version other than the one in force, for messages
// that embed objects of another protocol.
func (c *Coder) At(version int16, m Message) {
	outer := c.version
	c.version = version
	m.Code(c)
	c.version = outer
}
