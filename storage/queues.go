package storage

import "strings"

// PoolQueue is the queue of a pool of a channel; "" is the default one.
func PoolQueue(channel, pool string) string {
	if pool == "" {
		return channel
	}
	return channel + "/" + pool
}

// LaneQueue is the queue of messages that wait for one lane of the channel that
// drains a queue, whatever pool the lane is in.
func LaneQueue(queue, lane string) string { return ChannelOf(queue) + "#" + lane }

// ChannelOf is the name of the channel that drains a queue: "gsm" of "gsm/vip" and
// "gsm#sim:8931…".
func ChannelOf(queue string) string {
	if i := strings.IndexAny(queue, "#/"); i >= 0 {
		return queue[:i]
	}
	return queue
}

// Home is the queue in which any lane of its pool may take the message.
func (m *Message) Home() string { return PoolQueue(ChannelOf(m.Queue), m.Pool) }

// Unpin lets any lane of its pool take a message that prefers one.
func (m *Message) Unpin() { m.Queue, m.Prefer = m.Home(), "" }

// forOneLane says whether the message waits for one lane.
func (m *Message) forOneLane() bool { return strings.IndexByte(m.Queue, '#') >= 0 }
