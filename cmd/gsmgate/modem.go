package main

type modemCmd struct {
	Transcript modemTranscriptCmd `cmd:"" help:"Show what was said to a modem and by it lately."`
}
