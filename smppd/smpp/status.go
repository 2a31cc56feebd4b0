package smpp

import "fmt"

// CommandStatus is a command_status. [SMPP34 5.1.3]
type CommandStatus uint32

// Every command_status of SMPP 3.4, and those of 5.0 from 0x100.
const (
	StatusOK              CommandStatus = 0x00000000 // ESME_ROK
	StatusInvMsgLen       CommandStatus = 0x00000001 // ESME_RINVMSGLEN
	StatusInvCmdLen       CommandStatus = 0x00000002 // ESME_RINVCMDLEN
	StatusInvCmdID        CommandStatus = 0x00000003 // ESME_RINVCMDID
	StatusInvBndSts       CommandStatus = 0x00000004 // ESME_RINVBNDSTS
	StatusAlyBnd          CommandStatus = 0x00000005 // ESME_RALYBND
	StatusInvPrtFlg       CommandStatus = 0x00000006 // ESME_RINVPRTFLG
	StatusInvRegDlvFlg    CommandStatus = 0x00000007 // ESME_RINVREGDLVFLG
	StatusSysErr          CommandStatus = 0x00000008 // ESME_RSYSERR
	StatusInvSrcAdr       CommandStatus = 0x0000000A // ESME_RINVSRCADR
	StatusInvDstAdr       CommandStatus = 0x0000000B // ESME_RINVDSTADR
	StatusInvMsgID        CommandStatus = 0x0000000C // ESME_RINVMSGID
	StatusBindFail        CommandStatus = 0x0000000D // ESME_RBINDFAIL
	StatusInvPaswd        CommandStatus = 0x0000000E // ESME_RINVPASWD
	StatusInvSysID        CommandStatus = 0x0000000F // ESME_RINVSYSID
	StatusCancelFail      CommandStatus = 0x00000011 // ESME_RCANCELFAIL
	StatusReplaceFail     CommandStatus = 0x00000013 // ESME_RREPLACEFAIL
	StatusMsgQFul         CommandStatus = 0x00000014 // ESME_RMSGQFUL
	StatusInvSerTyp       CommandStatus = 0x00000015 // ESME_RINVSERTYP
	StatusInvNumDests     CommandStatus = 0x00000033 // ESME_RINVNUMDESTS
	StatusInvDLName       CommandStatus = 0x00000034 // ESME_RINVDLNAME
	StatusInvDestFlag     CommandStatus = 0x00000040 // ESME_RINVDESTFLAG
	StatusInvSubRep       CommandStatus = 0x00000042 // ESME_RINVSUBREP
	StatusInvESMClass     CommandStatus = 0x00000043 // ESME_RINVESMCLASS
	StatusCntSubDL        CommandStatus = 0x00000044 // ESME_RCNTSUBDL
	StatusSubmitFail      CommandStatus = 0x00000045 // ESME_RSUBMITFAIL
	StatusInvSrcTON       CommandStatus = 0x00000048 // ESME_RINVSRCTON
	StatusInvSrcNPI       CommandStatus = 0x00000049 // ESME_RINVSRCNPI
	StatusInvDstTON       CommandStatus = 0x00000050 // ESME_RINVDSTTON
	StatusInvDstNPI       CommandStatus = 0x00000051 // ESME_RINVDSTNPI
	StatusInvSysTyp       CommandStatus = 0x00000053 // ESME_RINVSYSTYP
	StatusInvRepFlag      CommandStatus = 0x00000054 // ESME_RINVREPFLAG
	StatusInvNumMsgs      CommandStatus = 0x00000055 // ESME_RINVNUMMSGS
	StatusThrottled       CommandStatus = 0x00000058 // ESME_RTHROTTLED
	StatusInvSched        CommandStatus = 0x00000061 // ESME_RINVSCHED
	StatusInvExpiry       CommandStatus = 0x00000062 // ESME_RINVEXPIRY
	StatusInvDftMsgID     CommandStatus = 0x00000063 // ESME_RINVDFTMSGID
	StatusXTAppn          CommandStatus = 0x00000064 // ESME_RX_T_APPN: try again
	StatusXPAppn          CommandStatus = 0x00000065 // ESME_RX_P_APPN: never to this destination
	StatusXRAppn          CommandStatus = 0x00000066 // ESME_RX_R_APPN: not this one
	StatusQueryFail       CommandStatus = 0x00000067 // ESME_RQUERYFAIL
	StatusInvOptParStream CommandStatus = 0x000000C0 // ESME_RINVOPTPARSTREAM (5.0: RINVTLVSTREAM)
	StatusOptParNotAllwd  CommandStatus = 0x000000C1 // ESME_ROPTPARNOTALLWD (5.0: RTLVNOTALLWD)
	StatusInvParLen       CommandStatus = 0x000000C2 // ESME_RINVPARLEN (5.0: RINVTLVLEN)
	StatusMissingOptParam CommandStatus = 0x000000C3 // ESME_RMISSINGOPTPARAM (5.0: RMISSINGTLV)
	StatusInvOptParamVal  CommandStatus = 0x000000C4 // ESME_RINVOPTPARAMVAL (5.0: RINVTLVVAL)
	StatusDeliveryFailure CommandStatus = 0x000000FE // ESME_RDELIVERYFAILURE
	StatusUnknownErr      CommandStatus = 0x000000FF // ESME_RUNKNOWNERR

	StatusSerTypUnauth      CommandStatus = 0x00000100 // ESME_RSERTYPUNAUTH
	StatusProhibited        CommandStatus = 0x00000101 // ESME_RPROHIBITED
	StatusSerTypUnavail     CommandStatus = 0x00000102 // ESME_RSERTYPUNAVAIL
	StatusSerTypDenied      CommandStatus = 0x00000103 // ESME_RSERTYPDENIED
	StatusInvDCS            CommandStatus = 0x00000104 // ESME_RINVDCS
	StatusInvSrcAddrSubunit CommandStatus = 0x00000105 // ESME_RINVSRCADDRSUBUNIT
	StatusInvDstAddrSubunit CommandStatus = 0x00000106 // ESME_RINVDSTADDRSUBUNIT
	StatusInvBcastFreqInt   CommandStatus = 0x00000107 // ESME_RINVBCASTFREQINT
	StatusInvBcastAliasName CommandStatus = 0x00000108 // ESME_RINVBCASTALIAS_NAME
	StatusInvBcastAreaFmt   CommandStatus = 0x00000109 // ESME_RINVBCASTAREAFMT
	StatusInvNumBcastAreas  CommandStatus = 0x0000010A // ESME_RINVNUMBCAST_AREAS
	StatusInvBcastCntType   CommandStatus = 0x0000010B // ESME_RINVBCASTCNTTYPE
	StatusInvBcastMsgClass  CommandStatus = 0x0000010C // ESME_RINVBCASTMSGCLASS
	StatusBcastFail         CommandStatus = 0x0000010D // ESME_RBCASTFAIL
	StatusBcastQueryFail    CommandStatus = 0x0000010E // ESME_RBCASTQUERYFAIL
	StatusBcastCancelFail   CommandStatus = 0x0000010F // ESME_RBCASTCANCELFAIL
	StatusInvBcastRep       CommandStatus = 0x00000110 // ESME_RINVBCAST_REP
	StatusInvBcastSrvGrp    CommandStatus = 0x00000111 // ESME_RINVBCASTSRVGRP
	StatusInvBcastChanInd   CommandStatus = 0x00000112 // ESME_RINVBCASTCHANIND
	statusVendorFirst       CommandStatus = 0x00000400
	statusVendorLast        CommandStatus = 0x000004FF
)

// String returns the name of the specification, such as "ESME_RINVMSGLEN"; a
// number that has none is given in hexadecimal.
func (s CommandStatus) String() string {
	switch {
	case statusName(s) != "":
		return "ESME_R" + statusName(s)
	case s >= statusVendorFirst && s <= statusVendorLast:
		return fmt.Sprintf("vendor status 0x%X", uint32(s))
	}
	return fmt.Sprintf("reserved status 0x%X", uint32(s))
}

// statusName returns what follows ESME_R in the specification, or "".
func statusName(s CommandStatus) string {
	switch s {
	case StatusOK:
		return "OK"
	case StatusInvMsgLen:
		return "INVMSGLEN"
	case StatusInvCmdLen:
		return "INVCMDLEN"
	case StatusInvCmdID:
		return "INVCMDID"
	case StatusInvBndSts:
		return "INVBNDSTS"
	case StatusAlyBnd:
		return "ALYBND"
	case StatusInvPrtFlg:
		return "INVPRTFLG"
	case StatusInvRegDlvFlg:
		return "INVREGDLVFLG"
	case StatusSysErr:
		return "SYSERR"
	case StatusInvSrcAdr:
		return "INVSRCADR"
	case StatusInvDstAdr:
		return "INVDSTADR"
	case StatusInvMsgID:
		return "INVMSGID"
	case StatusBindFail:
		return "BINDFAIL"
	case StatusInvPaswd:
		return "INVPASWD"
	case StatusInvSysID:
		return "INVSYSID"
	case StatusCancelFail:
		return "CANCELFAIL"
	case StatusReplaceFail:
		return "REPLACEFAIL"
	case StatusMsgQFul:
		return "MSGQFUL"
	case StatusInvSerTyp:
		return "INVSERTYP"
	case StatusInvNumDests:
		return "INVNUMDESTS"
	case StatusInvDLName:
		return "INVDLNAME"
	case StatusInvDestFlag:
		return "INVDESTFLAG"
	case StatusInvSubRep:
		return "INVSUBREP"
	case StatusInvESMClass:
		return "INVESMCLASS"
	case StatusCntSubDL:
		return "CNTSUBDL"
	case StatusSubmitFail:
		return "SUBMITFAIL"
	case StatusInvSrcTON:
		return "INVSRCTON"
	case StatusInvSrcNPI:
		return "INVSRCNPI"
	case StatusInvDstTON:
		return "INVDSTTON"
	case StatusInvDstNPI:
		return "INVDSTNPI"
	case StatusInvSysTyp:
		return "INVSYSTYP"
	case StatusInvRepFlag:
		return "INVREPFLAG"
	case StatusInvNumMsgs:
		return "INVNUMMSGS"
	case StatusThrottled:
		return "THROTTLED"
	case StatusInvSched:
		return "INVSCHED"
	case StatusInvExpiry:
		return "INVEXPIRY"
	case StatusInvDftMsgID:
		return "INVDFTMSGID"
	case StatusXTAppn:
		return "X_T_APPN"
	case StatusXPAppn:
		return "X_P_APPN"
	case StatusXRAppn:
		return "X_R_APPN"
	case StatusQueryFail:
		return "QUERYFAIL"
	case StatusInvOptParStream:
		return "INVOPTPARSTREAM"
	case StatusOptParNotAllwd:
		return "OPTPARNOTALLWD"
	case StatusInvParLen:
		return "INVPARLEN"
	case StatusMissingOptParam:
		return "MISSINGOPTPARAM"
	case StatusInvOptParamVal:
		return "INVOPTPARAMVAL"
	case StatusDeliveryFailure:
		return "DELIVERYFAILURE"
	case StatusUnknownErr:
		return "UNKNOWNERR"
	case StatusSerTypUnauth:
		return "SERTYPUNAUTH"
	case StatusProhibited:
		return "PROHIBITED"
	case StatusSerTypUnavail:
		return "SERTYPUNAVAIL"
	case StatusSerTypDenied:
		return "SERTYPDENIED"
	case StatusInvDCS:
		return "INVDCS"
	case StatusInvSrcAddrSubunit:
		return "INVSRCADDRSUBUNIT"
	case StatusInvDstAddrSubunit:
		return "INVDSTADDRSUBUNIT"
	case StatusInvBcastFreqInt:
		return "INVBCASTFREQINT"
	case StatusInvBcastAliasName:
		return "INVBCASTALIAS_NAME"
	case StatusInvBcastAreaFmt:
		return "INVBCASTAREAFMT"
	case StatusInvNumBcastAreas:
		return "INVNUMBCAST_AREAS"
	case StatusInvBcastCntType:
		return "INVBCASTCNTTYPE"
	case StatusInvBcastMsgClass:
		return "INVBCASTMSGCLASS"
	case StatusBcastFail:
		return "BCASTFAIL"
	case StatusBcastQueryFail:
		return "BCASTQUERYFAIL"
	case StatusBcastCancelFail:
		return "BCASTCANCELFAIL"
	case StatusInvBcastRep:
		return "INVBCAST_REP"
	case StatusInvBcastSrvGrp:
		return "INVBCASTSRVGRP"
	case StatusInvBcastChanInd:
		return "INVBCASTCHANIND"
	}
	return ""
}
