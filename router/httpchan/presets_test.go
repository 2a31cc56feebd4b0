package httpchan

import (
	"crypto/sha1"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gsmgate/storage"
)

// presetCase is how a provider's documentation says that it answers and calls. $ID
// is the name of the message, as the provider has it.
type presetCase struct {
	set     map[string]string
	asks    []string // what its request has: in the path, the query, the body or a header
	status  int
	ok      string
	ref     string // "": ours
	answers map[string]Class
	report  string // content type, blank, body; or a query
	failed  string
	state   storage.State
	in      string
	reply   string
}

const (
	asForm = "application/x-www-form-urlencoded "
	asJSON = "application/json "
	inFrom = "31687654321"
	inTo   = "31611111111"
)

var presetCases = map[string]presetCase{
	"twilio": {
		set:  map[string]string{"sid": "AC0123456789abcdef0123456789abcdef", "token": "t0ken-of-twilio"},
		asks: []string{"/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json", "To=%2B31612345678", "From=Acme", "Basic ", "StatusCallback=https%3A%2F%2Fsms.example.net%2Fin%2Fup%2F"},
		ok:   `{"sid": "SM1", "status": "queued", "error_code": null, "code": null}`, status: 201, ref: "SM1",
		answers: map[string]Class{
			`400 {"code": 21211, "message": "The 'To' number is not a valid phone number", "status": 400}`: Permanent,
			`400 {"code": 21408, "message": "Permission has not been enabled for the region"}`:             Elsewhere,
			`429 {"code": 20429, "message": "Too Many Requests"}`:                                          Throttle,
			`401 {"code": 20003, "message": "Authenticate"}`:                                               Ill,
			`500 {}`: Temporary, `200 {"status": "x"}`: Permanent,
		},
		report: asForm + "MessageSid=$ID&MessageStatus=delivered&To=%2B31612345678&From=Acme&AccountSid=AC0",
		failed: asForm + "MessageSid=$ID&MessageStatus=undelivered&ErrorCode=30003", state: storage.Undeliverable,
		in: asForm + "MessageSid=SM9&SmsStatus=received&From=%2B31687654321&To=%2B31611111111&Body=Yes+%E2%82%AC&NumMedia=0", reply: "<Response/>",
	},
	"vonage": {
		set:  map[string]string{"key": "abcd", "secret": "s3cret-of-vonage"},
		asks: []string{"/sms/json", "api_key=abcd", "to=31612345678", "type=text", "status-report-req=1"},
		ok:   `{"message-count": "1", "messages": [{"to": "31612345678", "message-id": "0A1", "status": "0", "remaining-balance": "15.5", "message-price": "0.03"}]}`, ref: "0A1",
		answers: map[string]Class{
			`200 {"message-count": "1", "messages": [{"status": "1", "error-text": "Throughput Rate Exceeded - please wait [ 250 ] and retry"}]}`: Throttle,
			`200 {"message-count": "1", "messages": [{"status": "9", "error-text": "Partner quota exceeded"}]}`:                                   NoCredit,
			`200 {"message-count": "1", "messages": [{"status": "4", "error-text": "Bad Credentials"}]}`:                                          Ill,
			`200 {"message-count": "1", "messages": [{"status": "3", "error-text": "Invalid to"}]}`:                                               Permanent,
			`200 {"message-count": "2", "messages": [{"status": "0", "message-id": "1"}, {"status": "1"}]}`:                                       Unsure,
		},
		report: "?msisdn=31612345678&to=Acme&network-code=20416&messageId=$ID&price=0.03&status=delivered&scts=2001011400&err-code=0&message-timestamp=2020-01-01+12%3A00%3A00",
		failed: asJSON + `{"msisdn": "31612345678", "messageId": "$ID", "status": "expired", "err-code": "5"}`, state: storage.Expired,
		in: "?msisdn=31687654321&to=31611111111&messageId=0B1&text=Yes+%E2%82%AC&type=unicode&message-timestamp=2020-01-01+12%3A00%3A00",
	},
	"infobip": {
		set:  map[string]string{"base": "https://x.api.infobip.com", "key": "k3y-of-infobip"},
		asks: []string{"/sms/3/messages", "App k3y-of-infobip", `"sender":"Acme"`, `"to":"31612345678"`, `"messageId":"`, `"delivery":{"url":"https://sms.example.net/in/up/`},
		ok:   `{"messages": [{"messageId": "x", "status": {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}, "destination": "31612345678"}]}`,
		answers: map[string]Class{
			`200 {"messages": [{"status": {"groupId": 5, "groupName": "REJECTED", "id": 12, "name": "REJECTED_NOT_ENOUGH_CREDITS"}}]}`: NoCredit,
			`200 {"messages": [{"status": {"groupId": 5, "groupName": "REJECTED", "id": 51, "name": "REJECTED_DESTINATION"}}]}`:        Permanent,
			`401 {"requestError": {"serviceException": {"messageId": "UNAUTHORIZED", "text": "Invalid login details"}}}`:               Ill,
			`429 {}`: Throttle,
		},
		report: asJSON + `{"results": [{"messageId": "other", "status": {"groupName": "PENDING"}}, {"messageId": "$ID", "to": "31612345678", "doneAt": "2019-11-09T16:00:00.000+0000", "sentAt": "2019-11-09T16:00:00.000+0000", "status": {"groupId": 3, "groupName": "DELIVERED"}, "error": {"id": 0}}]}`,
		failed: asJSON + `{"results": [{"messageId": "$ID", "status": {"groupName": "UNDELIVERABLE"}, "error": {"id": 27, "description": "Absent Subscriber"}}]}`, state: storage.Undeliverable,
		in: asJSON + `{"results": [{"messageId": "817790313235066447", "from": "31687654321", "to": "31611111111", "text": "Yes €", "receivedAt": "2016-10-06T09:28:39.220+0000", "smsCount": 1}], "messageCount": 1, "pendingMessageCount": 0}`,
	},
	"sinch": {
		set:  map[string]string{"plan": "plan1", "token": "t0ken-of-sinch"},
		asks: []string{"/xms/v1/plan1/batches", "Bearer t0ken-of-sinch", `"to":["31612345678"]`, `"delivery_report":"per_recipient"`},
		ok:   `{"id": "01FC66621XXXXX119Z8PMV1QPQ", "to": ["31612345678"], "canceled": false}`, status: 201, ref: "01FC66621XXXXX119Z8PMV1QPQ",
		answers: map[string]Class{
			`400 {"code": "syntax_invalid_parameter_format", "text": "Invalid number"}`: Permanent,
			`401 {}`: Ill, `429 {}`: Throttle, `503 {}`: Temporary,
		},
		report: asJSON + `{"type": "recipient_delivery_report_sms", "batch_id": "$ID", "recipient": "31612345678", "code": 0, "status": "Delivered", "at": "2022-08-30T08:16:08.930Z"}`,
		failed: asJSON + `{"type": "recipient_delivery_report_sms", "batch_id": "$ID", "recipient": "31612345678", "code": 402, "status": "Aborted"}`, state: storage.Undeliverable,
		in: asJSON + `{"type": "mo_text", "id": "01XXX", "from": "31687654321", "to": "31611111111", "body": "Yes €", "received_at": "2022-08-24T14:15:22Z"}`,
	},
	"plivo": {
		set:  map[string]string{"id_of_auth": "MAXXXXXXXXXXXXXXXXXX", "token": "t0ken-of-plivo"},
		asks: []string{"/v1/Account/MAXXXXXXXXXXXXXXXXXX/Message/", "Basic ", `"dst":"31612345678"`, `"src":"Acme"`, `"method":"POST"`},
		ok:   `{"api_id": "a", "message": "message(s) queued", "message_uuid": ["db3ce55a"]}`, status: 202, ref: "db3ce55a",
		answers: map[string]Class{`400 {"api_id": "a", "error": "dst parameter is invalid"}`: Permanent, `401 {"error": "authentication failed"}`: Ill, `429 {}`: Throttle, `402 {}`: NoCredit},
		report:  asForm + "MessageUUID=$ID&Status=delivered&To=31612345678&ParentMessageUUID=db3ce55a&PartInfo=1+of+1",
		failed:  asForm + "MessageUUID=$ID&Status=undelivered&ErrorCode=300", state: storage.Undeliverable,
		in: asForm + "MessageUUID=u9&From=31687654321&To=31611111111&Text=Yes+%E2%82%AC&Type=sms",
	},
	"bird": {
		set:  map[string]string{"key": "k3y-of-bird", "from": "Acme"},
		asks: []string{"/messages", "AccessKey k3y-of-bird", `"recipients":["31612345678"]`, `"datacoding":"plain"`, `"reportUrl":"https://`},
		ok:   `{"id": "e8077d80", "originator": "Acme", "recipients": {"totalCount": 1, "items": [{"recipient": 31612345678, "status": "sent"}]}}`, status: 201, ref: "e8077d80",
		answers: map[string]Class{
			`422 {"errors": [{"code": 9, "description": "no (correct) recipients found", "parameter": "recipient"}]}`: Permanent,
			`401 {"errors": [{"code": 2, "description": "Request not allowed (incorrect access_key)"}]}`:              Ill,
			`402 {"errors": [{"code": 25, "description": "Not enough balance"}]}`:                                     NoCredit,
			`429 {"errors": []}`: Throttle,
		},
		report: "?id=$ID&reference=r&recipient=31612345678&status=delivered&statusDatetime=2016-05-03T14%3A26%3A57%2B00%3A00",
		failed: "?id=$ID&recipient=31612345678&status=delivery_failed&statusErrorCode=1", state: storage.Undeliverable,
		in: asForm + "id=m9&originator=31687654321&recipient=31611111111&body=Yes+%E2%82%AC&createdDatetime=2016-05-03T14%3A26%3A57%2B00%3A00",
	},
	"clickatell": {
		set:  map[string]string{"key": "k3y-of-clickatell"},
		asks: []string{"/messages/http/send", "apiKey=k3y-of-clickatell", "to=31612345678", "content=Hello"},
		ok:   `{"messages": [{"apiMessageId": "77fb29998253415fa5d66971d519d362", "accepted": true, "to": "31612345678", "error": null}], "error": null}`, status: 202, ref: "77fb29998253415fa5d66971d519d362",
		answers: map[string]Class{
			`200 {"messages": [{"accepted": false, "to": "x", "errorCode": 105, "error": "Invalid number"}]}`: Permanent,
			`200 {"messages": [{"accepted": false, "errorCode": 301, "error": "Insufficient funds"}]}`:        NoCredit,
			`401 {"error": "Invalid or missing integration API Key"}`:                                         Ill,
			`429 {}`: Throttle,
		},
		report: asJSON + `{"messageId": "$ID", "statusCode": 4, "status": "RECEIVED_BY_RECIPIENT", "statusDescription": "delivered", "timestamp": 1517575756766}`,
		failed: asJSON + `{"messageId": "$ID", "statusCode": 7, "statusDescription": "routing error"}`, state: storage.Undeliverable,
		in: asJSON + `{"messageId": "i9", "fromNumber": "31687654321", "toNumber": "31611111111", "text": "Yes €", "timestamp": 1517575756766}`,
	},
	"africastalking": {
		set:  map[string]string{"username": "sandbox", "key": "k3y-of-at"},
		asks: []string{"/version1/messaging", "k3y-of-at", "username=sandbox", "to=%2B31612345678", "message=Hello"},
		ok:   `{"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": [{"statusCode": 101, "number": "+31612345678", "status": "Success", "cost": "KES 0.8", "messageId": "ATXid_1"}]}}`, status: 201, ref: "ATXid_1",
		answers: map[string]Class{
			`201 {"SMSMessageData": {"Message": "Sent to 0/1", "Recipients": [{"statusCode": 403, "status": "InvalidPhoneNumber", "messageId": "None"}]}}`:  Permanent,
			`201 {"SMSMessageData": {"Message": "Sent to 0/1", "Recipients": [{"statusCode": 405, "status": "InsufficientBalance", "messageId": "None"}]}}`: NoCredit,
			`201 {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}`:                                                                      Permanent,
			`401 The supplied authentication is invalid`: Ill, `429 {}`: Throttle,
		},
		report: asForm + "id=$ID&status=Success&phoneNumber=%2B31612345678&networkCode=63902&retryCount=0",
		failed: asForm + "id=$ID&status=Failed&failureReason=DeliveryFailure", state: storage.Undeliverable,
		in: asForm + "id=i9&from=%2B31687654321&to=%2B31611111111&text=Yes+%E2%82%AC&date=2020-01-01+12%3A00%3A00",
	},
	"bandwidth": {
		set:  map[string]string{"account": "900", "user": "u", "password": "passw0rd", "application": "app-1", "from": "+15551234567"},
		asks: []string{"/api/v2/users/900/messages", "Basic ", `"applicationId":"app-1"`, `"to":["+31612345678"]`},
		ok:   `{"id": "1589228074636lm4k2je7j7jklbn2", "owner": "+15551234567", "segmentCount": 1}`, status: 202, ref: "1589228074636lm4k2je7j7jklbn2",
		answers: map[string]Class{`400 {"type": "request-validation", "description": "Your request could not be accepted", "fieldErrors": [{"fieldName": "to", "description": "invalid"}]}`: Permanent, `401 {}`: Ill, `403 {}`: Ill, `429 {}`: Throttle},
		report:  asJSON + `[{"time": "2020-06-25T18:42:36.979Z", "type": "message-sending", "message": {"id": "other"}}, {"time": "2020-06-25T18:42:36.979Z", "type": "message-delivered", "to": "+31612345678", "message": {"id": "$ID"}}]`,
		failed:  asJSON + `[{"type": "message-failed", "to": "+31612345678", "errorCode": 4405, "description": "invalid-destination", "message": {"id": "$ID"}}]`, state: storage.Undeliverable,
		in: asJSON + `[{"type": "message-received", "time": "2020-06-25T18:42:36.979Z", "to": "+31611111111", "message": {"id": "i9", "from": "+31687654321", "to": ["+31611111111"], "text": "Yes €"}}]`,
	},
	"clicksend": {
		set:  map[string]string{"user": "u", "key": "k3y-of-clicksend"},
		asks: []string{"/v3/sms/send", "Basic ", `"to":"+31612345678"`, `"body":"Hello"`},
		ok:   `{"http_code": 200, "response_code": "SUCCESS", "data": {"total_count": 1, "messages": [{"message_id": "BF7AD270", "status": "SUCCESS"}]}}`, ref: "BF7AD270",
		answers: map[string]Class{
			`200 {"response_code": "SUCCESS", "data": {"messages": [{"message_id": "B", "status": "INVALID_RECIPIENT"}]}}`:   Permanent,
			`200 {"response_code": "SUCCESS", "data": {"messages": [{"message_id": "B", "status": "INSUFFICIENT_CREDIT"}]}}`: NoCredit,
			`401 {"response_code": "UNAUTHORIZED", "response_msg": "Authorization failed."}`:                                 Ill,
			`429 {"response_code": "TOO_MANY_REQUESTS"}`:                                                                     Throttle,
		},
		report: asForm + "message_id=$ID&status=Delivered&status_code=201&status_text=Success&timestamp=1436172000&error_code=",
		failed: asForm + "message_id=$ID&status_code=301&error_code=22", state: storage.Undeliverable,
		in: asForm + "message_id=i9&from=%2B31687654321&to=%2B31611111111&body=Yes+%E2%82%AC&timestamp=1436172000",
	},
	"46elks": {
		set:  map[string]string{"user": "u1", "password": "passw0rd", "from": "Acme"},
		asks: []string{"/a1/sms", "Basic ", "to=%2B31612345678", "from=Acme", "whendelivered=https"},
		ok:   `{"id": "s70df59406a1b4643b96f3f91e0bfb7b0", "status": "created", "from": "Acme", "to": "+31612345678", "parts": 1}`, ref: "s70df59406a1b4643b96f3f91e0bfb7b0",
		answers: map[string]Class{`400 "to" is not a valid phone number`: Permanent, `403 Not enough credits`: NoCredit, `401 API access requires Basic HTTP authentication`: Ill, `429 `: Throttle, `200 {"id": "s1", "status": "failed"}`: Permanent},
		report:  asForm + "id=$ID&status=delivered&delivered=2018-07-13T13%3A57%3A23.741000",
		failed:  asForm + "id=$ID&status=failed", state: storage.Undeliverable,
		in: asForm + "direction=incoming&id=i9&from=%2B31687654321&to=%2B31611111111&message=Yes+%E2%82%AC&created=2018-07-13T13%3A57%3A23.741000",
	},
	"kannel": {
		set:  map[string]string{"user": "u", "password": "passw0rd"},
		asks: []string{"/cgi-bin/sendsms", "username=u", "to=%2B31612345678", "coding=0", "charset=UTF-8", "dlr-mask=31", "%3Fid%3D", "state%3D%25d"},
		ok:   `0: Accepted for delivery`, status: 202,
		answers: map[string]Class{`202 3: Queued for later delivery`: Accepted, `403 Authorization failed for sendsms`: Ill, `503 Temporal failure, try again later.`: Temporary, `400 Missing receiver number, rejected`: Permanent, `429 `: Throttle},
		report:  "?id=$ID&state=1&to=%2B31612345678&answer=id%3A1+stat%3ADELIVRD",
		failed:  "?id=$ID&state=16&answer=NACK", state: storage.Rejected,
		in: "?from=%2B31687654321&to=31611111111&text=Yes+%E2%82%AC&id=i9&time=2018-07-13+13%3A57%3A23",
	},
	"smseagle": {
		set:  map[string]string{"token": "t0ken-of-eagle", "number": "31611111111"},
		asks: []string{"/http_api/send_sms", "access_token=t0ken-of-eagle", "to=%2B31612345678", "message=Hello", "unicode=0"},
		ok:   `OK; ID=297`, ref: "297",
		answers: map[string]Class{`200 Invalid access token`: Ill, `200 Wrong or missing parameters`: Permanent, `429 `: Throttle, `503 `: Temporary},
		in:      "?sender=%2B31687654321&timestamp=20140531092257&text=Yes+%E2%82%AC&msgid=9",
	},
	"jasmin": {
		set:  map[string]string{"user": "u", "password": "passw0rd"},
		asks: []string{"/send", "username=u", "to=31612345678", "hex-content=00480065006c006c006f", "dlr=yes", "dlr-level=2"},
		ok:   `Success "07033084-5cfd-4812-90a4-e4d24ffb6e3d"`, ref: "07033084-5cfd-4812-90a4-e4d24ffb6e3d",
		answers: map[string]Class{`403 Error "Authentication failure for username:u"`: Ill, `412 Error "No route found"`: Elsewhere, `403 Error "Cannot charge submit_sm, check your balance"`: NoCredit, `403 Error "User throughput exceeded"`: Throttle, `400 Error "Mandatory argument [to] is not found."`: Permanent, `500 Error "Cannot send submit_sm, check SMPPClientManagerPB log file for details"`: Temporary},
		report:  asForm + "id=$ID&id_smsc=1&message_status=DELIVRD&level=2&connector=c&donedate=2018-07-13",
		failed:  asForm + "id=$ID&message_status=UNDELIV&err=001", state: storage.Undeliverable,
		in: asForm + "id=i9&from=31687654321&to=31611111111&origin-connector=c&content=Yes+%E2%82%AC&coding=8", reply: "ACK/Jasmin",
	},
	"gsmgate": {
		set:  map[string]string{"token": "t0ken-of-gsmgate-32-octets-long-x", "user": "hub"},
		asks: []string{"/v1/messages", "Bearer t0ken", `"user":"hub"`, `"to":"+31612345678"`},
		ok:   `{"id": "10000001"}`, status: 202, ref: "10000001",
		answers: map[string]Class{`402 {"detail": "not enough credits"}`: NoCredit, `429 {}`: Throttle, `401 {}`: Ill, `422 {"field": "to", "detail": "not a number"}`: Permanent, `422 {"field": "user", "detail": "no such user"}`: Ill},
	},
}

func TestPresets_AllHaveTheirCase(t *testing.T) {
	if got, want := PresetNames(), slices.Sorted(maps.Keys(presetCases)); !slices.Equal(got, want) {
		t.Errorf("%q, and cases for %q", got, want)
	}
	for _, name := range PresetNames() {
		d, err := Preset(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if d.Name != name || len(d.Docs) == 0 || len(d.Sure) == 0 || d.Version == 0 {
			t.Errorf("%s: name %q, %d docs, %d sure facts", name, d.Name, len(d.Docs), len(d.Sure))
		}
	}
}

func TestPreset_AgainstAStandIn(t *testing.T) {
	for name, c := range presetCases {
		t.Run(name, func(t *testing.T) { c.submitted(t, name) })
		t.Run(name+" answers", func(t *testing.T) { c.answered(t, name) })
	}
}

// submitted sends a message through the whole gateway, and tells what became of it.
func (c *presetCase) submitted(t *testing.T, name string) {
	status := c.status
	if status == 0 {
		status = 200
	}
	up := newProvider(t, says(status, c.ok))
	set := maps.Clone(c.set)
	set["base"] = strings.Replace(up.URL, "http:", "http:", 1)
	if name == "infobip" {
		return // its base is https: see TestPreset_Infobip
	}
	p := newPost(t, storage.HTTPChannel{Preset: name, Settings: set, Poll: "off"})
	c.lives(t, p, up)
}

func (c *presetCase) lives(t *testing.T, p *post, up *provider) {
	one, two := p.Submit("31612345678", "Hello"), storage.ID(0)
	m := p.sent(one)
	r := up.requests()[0]
	all := r.path + " " + r.query + " " + r.body + " " + strings.Join(slices.Concat(slices.Collect(maps.Values(r.header))...), " ")
	for _, want := range c.asks {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in %s", want, all)
		}
	}
	ref := m.Parts[0].Ref
	if c.ref != "" && ref != c.ref || ref == "" {
		t.Errorf("its name is %q", ref)
	}
	if c.report != "" {
		c.tell(t, p, reportWord, c.report, ref, "")
		p.Ends(one, storage.Delivered)
	}
	if c.failed != "" && c.ref == "" {
		two = p.Submit("31612345678", "Hello")
		c.tell(t, p, reportWord, c.failed, p.sent(two).Parts[0].Ref, "")
		p.Ends(two, c.state)
	}
	if c.in != "" {
		c.tell(t, p, incomingWord, c.in, "", c.reply)
		in := p.incoming()
		if len(in) != 1 || in[0].Text != "Yes €" || in[0].Source.Addr != inFrom || in[0].Dest.Addr != inTo {
			t.Errorf("%+v", in)
		}
	}
	if n := p.ch.Counts().Unread; n != 0 {
		t.Errorf("%d calls were not read", n)
	}
}

// tell calls as the provider does.
func (c *presetCase) tell(t *testing.T, p *post, word, call, ref, reply string) {
	t.Helper()
	w := p.told(word, c.request(p, word, strings.ReplaceAll(call, "$ID", url.QueryEscape(ref))))
	if w.Code/100 != 2 || reply != "" && w.Body.String() != reply {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
}

func (c *presetCase) request(p *post, word, call string) *http.Request {
	if query, ok := strings.CutPrefix(call, "?"); ok {
		return got(query)
	}
	kind, body, _ := strings.Cut(call, " ")
	r := posted(kind, body)
	if p.ch.d.Name == "twilio" {
		form, _ := url.ParseQuery(body)
		parts := []string{p.ch.callURL(word)}
		for _, k := range slices.Sorted(maps.Keys(form)) {
			parts = append(parts, k, form.Get(k))
		}
		r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(signature(sha1.New, c.set["token"], parts...)))
	}
	return r
}

// answered holds answers against the classes, and reports of failure against their
// states.
func (c *presetCase) answered(t *testing.T, name string) {
	d, err := Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	for answer, want := range c.answers {
		code, body, _ := strings.Cut(answer, " ")
		ranges, err := parseStatuses(code)
		if err != nil {
			t.Fatal(err)
		}
		if u := d.TryAnswer(ranges[0].from, http.Header{}, []byte(body)); u.Class != want || u.Class != Accepted && u.Reason == "" {
			t.Errorf("%s: %+v", answer, u)
		}
	}
	if c.failed == "" {
		return
	}
	ch := &Channel{settings: settings{d: d, values: map[string]string{}}, lane: "http:up"}
	r := (&presetCase{set: c.set}).request(&post{ch: ch}, reportWord, strings.ReplaceAll(c.failed, "$ID", "x1"))
	body, _ := io.ReadAll(r.Body)
	told, _, err := ch.readCall(r.URL.RawQuery, &call{method: r.Method, header: r.Header, body: body}, reportWord)
	if err != nil || len(told) != 1 || told[0].Report == nil || told[0].Report.State != c.state || told[0].Report.Ref != "x1" {
		t.Errorf("%v, %+v", err, told)
	}
}

// Infobip's base is https alone.
func TestPreset_Infobip(t *testing.T) {
	c := presetCases["infobip"]
	up := &provider{}
	up.Server = httptest.NewTLSServer(up.keep(says(200, c.ok)))
	t.Cleanup(up.Close)
	set := maps.Clone(c.set)
	set["base"] = up.URL
	p := newPost(t, storage.HTTPChannel{Preset: "infobip", Settings: set, Poll: "off", CA: pemOf(up.Certificate())})
	c.lives(t, p, up)
}

// What Vonage says in words is waited for.
func TestPreset_Vonage_WaitInMilliseconds(t *testing.T) {
	d, err := Preset("vonage")
	if err != nil {
		t.Fatal(err)
	}
	u := d.TryAnswer(200, http.Header{}, []byte(`{"messages": [{"status": "1", "error-text": "Throughput Rate Exceeded - please wait [ 2500 ] and retry"}]}`))
	if u.WaitS != 2.5 {
		t.Errorf("%+v", u)
	}
}
