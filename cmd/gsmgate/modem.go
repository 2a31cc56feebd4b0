package main

type modemCmd struct {
	Check      modemCheckCmd      `cmd:"" help:"Prove a modem step by step, without a gateway."`
	Transcript modemTranscriptCmd `cmd:"" help:"Show what was said to a modem and by it lately."`
}
