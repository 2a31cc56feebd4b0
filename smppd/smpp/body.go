package smpp

// newPDU returns an empty PDU for id, or nil when id is not known.
func newPDU(id CommandID) PDU {
	if id.IsResponse() {
		return newResponse(id)
	}
	switch id {
	case IDSubmitSM:
		return &SubmitSM{}
	case IDDeliverSM:
		return &DeliverSM{}
	case IDDataSM:
		return &DataSM{}
	case IDEnquireLink:
		return &EnquireLink{}
	case IDBindReceiver, IDBindTransmitter, IDBindTransceiver:
		return &Bind{ID: id}
	case IDUnbind:
		return &Unbind{}
	case IDQuerySM:
		return &QuerySM{}
	case IDCancelSM:
		return &CancelSM{}
	case IDReplaceSM:
		return &ReplaceSM{}
	case IDSubmitMulti:
		return &SubmitMulti{}
	case IDOutbind:
		return &Outbind{}
	case IDAlertNotification:
		return &AlertNotification{}
	}
	return nil
}

func newResponse(id CommandID) PDU {
	switch id {
	case IDSubmitSMResp:
		return &SubmitSMResp{}
	case IDDeliverSMResp:
		return &DeliverSMResp{}
	case IDDataSMResp:
		return &DataSMResp{}
	case IDEnquireLinkResp:
		return &EnquireLinkResp{}
	case IDBindReceiverResp, IDBindTransmitterResp, IDBindTransceiverResp:
		return &BindResp{ID: id}
	case IDUnbindResp:
		return &UnbindResp{}
	case IDQuerySMResp:
		return &QuerySMResp{}
	case IDCancelSMResp:
		return &CancelSMResp{}
	case IDReplaceSMResp:
		return &ReplaceSMResp{}
	case IDSubmitMultiResp:
		return &SubmitMultiResp{}
	case IDGenericNack:
		return &GenericNack{}
	}
	return nil
}

// Limits of fields, with the NUL. [SMPP34 5.2]
const (
	maxSystemID     = 16  // [SMPP34 5.2.1]
	maxPassword     = 9   // [SMPP34 5.2.2]
	maxLongPassword = 65  // of SMSCs that take more
	maxSystemType   = 13  // [SMPP34 5.2.3]
	maxAddressRange = 41  // [SMPP34 5.2.7]
	maxServiceType  = 6   // [SMPP34 5.2.11]
	maxAddr         = 21  // [SMPP34 5.2.8, 5.2.9]
	maxDataAddr     = 65  // in data_sm and alert_notification [SMPP34 4.7.1, 4.12.1]
	maxDLName       = 21  // [SMPP34 5.2.27]
	maxMessageID    = 65  // [SMPP34 5.2.23]
	maxDate         = 17  // [SMPP34 7.1.1]
	maxDests        = 254 // [SMPP34 5.2.24]
)

// CommandID returns ID.
func (p *Bind) CommandID() CommandID { return p.ID }

func (p *Bind) fields(c *coder) {
	room := maxPassword
	if p.LongPassword {
		room = maxLongPassword
	}
	c.text("system_id", &p.SystemID, maxSystemID, StatusInvSysID)
	c.text("password", &p.Password, room, StatusInvPaswd)
	c.text("system_type", &p.SystemType, maxSystemType, StatusInvSysTyp)
	c.octet("interface_version", &p.InterfaceVersion)
	c.octet("addr_ton", &p.AddrTON)
	c.octet("addr_npi", &p.AddrNPI)
	// No status is named for address_range; peers use that of the source.
	c.text("address_range", &p.AddressRange, maxAddressRange, StatusInvSrcAdr)
	c.tlvs(&p.TLVs)
}

// CommandID returns ID.
func (p *BindResp) CommandID() CommandID { return p.ID }

func (p *BindResp) fields(c *coder) {
	c.text("system_id", &p.SystemID, maxSystemID, StatusInvSysID)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDOutbind.
func (p *Outbind) CommandID() CommandID { return IDOutbind }

func (p *Outbind) fields(c *coder) {
	c.text("system_id", &p.SystemID, maxSystemID, StatusInvSysID)
	c.text("password", &p.Password, maxPassword, StatusInvPaswd)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDUnbind.
func (p *Unbind) CommandID() CommandID { return IDUnbind }
func (p *Unbind) fields(c *coder)      { c.nothing(&p.TLVs) }

// CommandID returns IDUnbindResp.
func (p *UnbindResp) CommandID() CommandID { return IDUnbindResp }
func (p *UnbindResp) fields(c *coder)      { c.nothing(&p.TLVs) }

// CommandID returns IDEnquireLink.
func (p *EnquireLink) CommandID() CommandID { return IDEnquireLink }
func (p *EnquireLink) fields(c *coder)      { c.nothing(&p.TLVs) }

// CommandID returns IDEnquireLinkResp.
func (p *EnquireLinkResp) CommandID() CommandID { return IDEnquireLinkResp }
func (p *EnquireLinkResp) fields(c *coder)      { c.nothing(&p.TLVs) }

// CommandID returns IDGenericNack.
func (p *GenericNack) CommandID() CommandID { return IDGenericNack }
func (p *GenericNack) fields(c *coder)      { c.nothing(&p.TLVs) }

// CommandID returns IDSubmitSM.
func (p *SubmitSM) CommandID() CommandID { return IDSubmitSM }

func (p *SubmitSM) fields(c *coder) {
	c.text("service_type", &p.ServiceType, maxServiceType, StatusInvSerTyp)
	c.source(&p.Source, maxAddr)
	c.dest(&p.Dest, maxAddr)
	c.octet("esm_class", (*uint8)(&p.ESMClass))
	c.octet("protocol_id", &p.ProtocolID)                                     // [SMPP34 5.2.13]
	c.octet("priority_flag", &p.PriorityFlag)                                 // [SMPP34 5.2.14]
	c.time("schedule_delivery_time", &p.ScheduleDeliveryTime, StatusInvSched) // [SMPP34 5.2.15]
	c.time("validity_period", &p.ValidityPeriod, StatusInvExpiry)             // [SMPP34 5.2.16]
	c.octet("registered_delivery", (*uint8)(&p.RegisteredDelivery))
	c.octet("replace_if_present_flag", &p.ReplaceIfPresent)
	c.octet("data_coding", (*uint8)(&p.DataCoding))
	c.octet("sm_default_msg_id", &p.SMDefaultMsgID)
	c.shortMessage(&p.ShortMessage)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDDeliverSM.
func (p *DeliverSM) CommandID() CommandID { return IDDeliverSM }

func (p *DeliverSM) fields(c *coder) {
	c.loose = true // both times should be NULL [SMPP34 4.6.1]; a receipt is too good to lose for that
	(*SubmitSM)(p).fields(c)
}

// CommandID returns IDSubmitSMResp.
func (p *SubmitSMResp) CommandID() CommandID { return IDSubmitSMResp }

func (p *SubmitSMResp) fields(c *coder) {
	c.messageID(&p.MessageID)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDDeliverSMResp.
func (p *DeliverSMResp) CommandID() CommandID { return IDDeliverSMResp }

func (p *DeliverSMResp) fields(c *coder) {
	c.messageID(&p.MessageID)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDDataSM.
func (p *DataSM) CommandID() CommandID { return IDDataSM }

func (p *DataSM) fields(c *coder) {
	c.text("service_type", &p.ServiceType, maxServiceType, StatusInvSerTyp)
	c.source(&p.Source, maxDataAddr)
	c.dest(&p.Dest, maxDataAddr)
	c.octet("esm_class", (*uint8)(&p.ESMClass))
	c.octet("registered_delivery", (*uint8)(&p.RegisteredDelivery))
	c.octet("data_coding", (*uint8)(&p.DataCoding))
	c.tlvs(&p.TLVs)
}

// CommandID returns IDDataSMResp.
func (p *DataSMResp) CommandID() CommandID { return IDDataSMResp }

func (p *DataSMResp) fields(c *coder) {
	c.messageID(&p.MessageID)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDQuerySM.
func (p *QuerySM) CommandID() CommandID { return IDQuerySM }

func (p *QuerySM) fields(c *coder) {
	c.messageID(&p.MessageID)
	c.source(&p.Source, maxAddr)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDQuerySMResp.
func (p *QuerySMResp) CommandID() CommandID { return IDQuerySMResp }

func (p *QuerySMResp) fields(c *coder) {
	c.messageID(&p.MessageID)
	// Twelve characters are right here too. [SMPP34 7.1.1 Note]
	c.text("final_date", &p.FinalDate, maxDate, StatusQueryFail)
	c.octet("message_state", (*uint8)(&p.MessageState))
	c.octet("error_code", &p.ErrorCode)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDCancelSM.
func (p *CancelSM) CommandID() CommandID { return IDCancelSM }

func (p *CancelSM) fields(c *coder) {
	c.text("service_type", &p.ServiceType, maxServiceType, StatusInvSerTyp)
	c.messageID(&p.MessageID)
	c.source(&p.Source, maxAddr)
	c.dest(&p.Dest, maxAddr)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDCancelSMResp.
func (p *CancelSMResp) CommandID() CommandID { return IDCancelSMResp }
func (p *CancelSMResp) fields(c *coder)      { c.nothing(&p.TLVs) }

// CommandID returns IDReplaceSM.
func (p *ReplaceSM) CommandID() CommandID { return IDReplaceSM }

func (p *ReplaceSM) fields(c *coder) {
	c.messageID(&p.MessageID)
	c.source(&p.Source, maxAddr)
	c.time("schedule_delivery_time", &p.ScheduleDeliveryTime, StatusInvSched)
	c.time("validity_period", &p.ValidityPeriod, StatusInvExpiry)
	c.octet("registered_delivery", (*uint8)(&p.RegisteredDelivery))
	c.octet("sm_default_msg_id", &p.SMDefaultMsgID)
	c.shortMessage(&p.ShortMessage)
	c.tlvs(&p.TLVs)
}

// CommandID returns IDReplaceSMResp.
func (p *ReplaceSMResp) CommandID() CommandID { return IDReplaceSMResp }
func (p *ReplaceSMResp) fields(c *coder)      { c.nothing(&p.TLVs) }

// CommandID returns IDAlertNotification.
func (p *AlertNotification) CommandID() CommandID { return IDAlertNotification }

func (p *AlertNotification) fields(c *coder) {
	c.source(&p.Source, maxDataAddr)
	c.octet("esme_addr_ton", &p.ESME.TON)
	c.octet("esme_addr_npi", &p.ESME.NPI)
	c.text("esme_addr", &p.ESME.Addr, maxDataAddr, StatusInvDstAdr)
	c.tlvs(&p.TLVs)
}

func (c *coder) messageID(v *string) { c.text("message_id", v, maxMessageID, StatusInvMsgID) }

func (c *coder) source(a *Address, limit int) {
	c.octet("source_addr_ton", &a.TON)
	c.octet("source_addr_npi", &a.NPI)
	c.text("source_addr", &a.Addr, limit, StatusInvSrcAdr)
}

func (c *coder) dest(a *Address, limit int) {
	c.octet("dest_addr_ton", &a.TON)
	c.octet("dest_addr_npi", &a.NPI)
	c.text("destination_addr", &a.Addr, limit, StatusInvDstAdr)
}
