package smpp

// Values of dest_flag. [SMPP34 5.2.25]
const (
	destFlagAddress uint8 = 1
	destFlagList    uint8 = 2
)

// CommandID returns IDSubmitMulti.
func (p *SubmitMulti) CommandID() CommandID { return IDSubmitMulti }

func (p *SubmitMulti) fields(c *coder) {
	c.text("service_type", &p.ServiceType, maxServiceType, StatusInvSerTyp)
	c.source(&p.Source, maxAddr)
	p.dests(c)
	c.octet("esm_class", (*uint8)(&p.ESMClass))
	c.octet("protocol_id", &p.ProtocolID)
	c.octet("priority_flag", &p.PriorityFlag)
	c.time("schedule_delivery_time", &p.ScheduleDeliveryTime, StatusInvSched)
	c.time("validity_period", &p.ValidityPeriod, StatusInvExpiry)
	c.octet("registered_delivery", (*uint8)(&p.RegisteredDelivery))
	c.octet("replace_if_present_flag", &p.ReplaceIfPresent)
	c.octet("data_coding", (*uint8)(&p.DataCoding))
	c.octet("sm_default_msg_id", &p.SMDefaultMsgID)
	c.shortMessage(&p.ShortMessage)
	c.tlvs(&p.TLVs)
}

func (p *SubmitMulti) dests(c *coder) {
	at := c.off
	n := uint8(min(len(p.Dests), maxDests+1))
	c.octet("number_of_dests", &n)
	if c.err == nil && (n == 0 || n > maxDests) {
		c.off = at
		c.fail("number_of_dests", StatusInvNumDests, "not 1 to 254")
	}
	if c.err == nil && !c.encode {
		p.Dests = make([]MultiDest, n)
	}
	for i := 0; i < len(p.Dests) && c.err == nil; i++ {
		p.Dests[i].fields(c)
	}
}

func (d *MultiDest) fields(c *coder) {
	flag, at := destFlagAddress, c.off
	if d.DLName != "" {
		flag = destFlagList
	}
	c.octet("dest_flag", &flag)
	switch {
	case c.err != nil:
	case flag == destFlagAddress:
		c.dest(&d.Address, maxAddr)
	case flag == destFlagList:
		at = c.off
		c.text("dl_name", &d.DLName, maxDLName, StatusInvDLName)
		if c.err == nil && d.DLName == "" {
			c.off = at
			c.fail("dl_name", StatusInvDLName, "empty")
		}
	default:
		c.off = at
		c.fail("dest_flag", StatusInvDestFlag, "neither 1 nor 2")
	}
}

// CommandID returns IDSubmitMultiResp.
func (p *SubmitMultiResp) CommandID() CommandID { return IDSubmitMultiResp }

func (p *SubmitMultiResp) fields(c *coder) {
	c.messageID(&p.MessageID)
	if len(p.Unsuccess) > 255 {
		c.fail("no_unsuccess", StatusInvNumDests, "more than 255")
	}
	n := uint8(len(p.Unsuccess))
	c.octet("no_unsuccess", &n) // [SMPP34 5.2.26]
	if c.err == nil && !c.encode && n > 0 {
		p.Unsuccess = make([]UnsuccessSME, n)
	}
	for i := range p.Unsuccess {
		c.dest(&p.Unsuccess[i].Address, maxAddr)
		c.uint32("error_status_code", (*uint32)(&p.Unsuccess[i].Status))
	}
	c.tlvs(&p.TLVs)
}
