package spu

import "testing"

func TestStreamState(t *testing.T) {
	type event struct {
		do   string // ack, sent, empty, stop, or nothing
		off  int64  // of the event
		end  int64  // the end as step sees it afterwards
		want streamStep
		pos  int64 // checked when a read is wanted
	}
	tests := []struct {
		name  string
		start int64
		then  []event
	}{
		{"nothing to read", 5, []event{{end: 5, want: stepListen}}},
		{"records at once", 0, []event{{end: 3, want: stepRead, pos: 0}}},
		{"start in the future of a committed reader", 7, []event{
			{end: 5, want: stepListen},
			{end: 7, want: stepListen},
			{end: 8, want: stepRead, pos: 7},
		}},
		{"one response outstanding", 0, []event{
			{end: 3, want: stepRead, pos: 0},
			{do: "sent", end: 3, want: stepWait},
			{end: 9, want: stepWait},
			{do: "ack", off: 3, end: 9, want: stepRead, pos: 3},
			{do: "sent", end: 9, want: stepWait},
			{do: "ack", off: 9, end: 9, want: stepListen},
			{end: 10, want: stepRead, pos: 9},
		}},
		{"ack below the end reads from there", 0, []event{
			{do: "sent", end: 10, want: stepWait},
			{do: "ack", off: 4, end: 10, want: stepRead, pos: 4},
		}},
		{"ack beyond the end waits for it to pass", 0, []event{
			{do: "sent", end: 10, want: stepWait},
			{do: "ack", off: 12, end: 10, want: stepListen},
			{end: 12, want: stepListen},
			{end: 13, want: stepRead, pos: 12},
		}},
		{"ack of -1 is ignored", 0, []event{
			{do: "sent", end: 3, want: stepWait},
			{do: "ack", off: -1, end: 3, want: stepWait},
			{do: "ack", off: -2, end: 3, want: stepWait},
			{do: "ack", off: 3, end: 3, want: stepListen},
		}},
		{"consumer goes back while it is caught up", 5, []event{
			{end: 5, want: stepListen},
			{do: "ack", off: 1, end: 5, want: stepRead, pos: 1},
		}},
		{"consumer skips ahead before the first response", 0, []event{
			{do: "ack", off: 8, end: 5, want: stepListen},
			{end: 9, want: stepRead, pos: 8},
		}},
		{"a read that finds nothing is not repeated", 5, []event{
			{end: 8, want: stepRead, pos: 5},
			{do: "empty", off: 8, end: 8, want: stepListen},
			{end: 9, want: stepRead, pos: 5},
		}},
		{"an ack makes a dry read worth another try", 5, []event{
			{do: "empty", off: 8, end: 8, want: stepListen},
			{do: "ack", off: 5, end: 8, want: stepRead, pos: 5},
		}},
		{"end", 0, []event{
			{do: "stop", end: 5, want: stepWait},
			{do: "ack", off: 1, end: 5, want: stepWait},
			{do: "sent", end: 5, want: stepWait},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s streamState
			s.open(tt.start)
			for i, e := range tt.then {
				switch e.do {
				case "ack":
					s.ack(e.off)
				case "sent":
					s.sent()
				case "empty":
					s.empty(e.off)
				case "stop":
					s.stop()
				}
				if got := s.step(e.end); got != e.want {
					t.Fatalf("event %d: step is %d, want %d", i, got, e.want)
				}
				if e.want == stepRead && s.pos != e.pos {
					t.Fatalf("event %d: reads from %d, want %d", i, s.pos, e.pos)
				}
			}
		})
	}
}
