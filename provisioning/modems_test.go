package provisioning_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/storage/storagetest"
)

// commanded is an API with one modem, at /dev/a b, and what it was told.
func commanded(t *testing.T) (*provisioning.API, *client.Client, *[]string) {
	t.Helper()
	told := &[]string{}
	note := func(what, id string) error {
		if id != "/dev/a b" {
			return &router.Error{Code: router.NotFound, Field: "id", Message: "no such modem"}
		}
		*told = append(*told, what)
		return nil
	}
	verb := func(what string) func(context.Context, string) error {
		return func(_ context.Context, id string) error { return note(what, id) }
	}
	api := provisioning.New(provisioning.Config{Router: router.New(storagetest.Open(t), router.Options{}), Commands: &provisioning.ModemCommands{
		Show: func(id string) (provisioning.ModemDetail, error) {
			return provisioning.ModemDetail{Modem: provisioning.Modem{Path: id, Sends: "yes"}}, note("show", id)
		},
		Disable: verb("disable"), Enable: verb("enable"), Drain: verb("drain"),
		Reset: func(_ context.Context, id, rung string) error { return note("reset "+rung, id) },
		USSD: func(_ context.Context, id, session, text string) (provisioning.USSD, error) {
			return provisioning.USSD{Text: "5 EUR", Session: "s2"}, note("ussd "+session+" "+text, id)
		},
		LastUSSD:   func(id string) (provisioning.USSD, error) { return provisioning.USSD{Text: "last"}, note("last", id) },
		CancelUSSD: func(_ context.Context, id, session string) error { return note("cancel"+session, id) },
		Balance: func(_ context.Context, id string) (provisioning.ModemBalance, error) {
			return provisioning.ModemBalance{Amount: "5.00"}, note("balance", id)
		},
		LearnNumber: func(_ context.Context, id string) (provisioning.LearntNumber, error) {
			return provisioning.LearntNumber{Number: "+31"}, note("number", id)
		},
	}})
	return api, client.Local(api), told
}

func TestModemCommands_EachReachesTheModem(t *testing.T) {
	_, c, told := commanded(t)
	ctx, id := t.Context(), "/dev/a b"
	for _, command := range []string{"disable", "enable", "drain"} {
		if m, err := c.TellModem(ctx, id, command); err != nil || m.Path != id {
			t.Errorf("%s: %+v, %v", command, m, err)
		}
	}
	if _, err := c.ResetModem(ctx, id, provisioning.ResetRequest{Rung: "port"}); err != nil {
		t.Error(err)
	}
	if u, err := c.USSD(ctx, id, provisioning.USSDRequest{Code: "*100#"}); err != nil || u.Text != "5 EUR" || u.Session != "s2" {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := c.USSD(ctx, id, provisioning.USSDRequest{Reply: "1", Session: "s2"}); err != nil {
		t.Error(err)
	}
	if u, err := c.CancelUSSD(ctx, id); err != nil || u.Text != "last" {
		t.Errorf("%+v, %v", u, err)
	}
	if b, err := c.ModemBalance(ctx, id); err != nil || b.Amount != "5.00" {
		t.Errorf("%+v, %v", b, err)
	}
	if n, err := c.LearnNumber(ctx, id); err != nil || n.Number != "+31" {
		t.Errorf("%+v, %v", n, err)
	}
	if m, err := c.Modem(ctx, id); err != nil || m.Sends != "yes" {
		t.Errorf("%+v, %v", m, err)
	}
	want := "disable,show,enable,show,drain,show,reset port,show,ussd  *100#,ussd s2 1,cancel,last,balance,number,show"
	if got := strings.Join(*told, ","); got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
}

func TestModemCommands_WrongRequests_NameTheField(t *testing.T) {
	api, _, told := commanded(t)
	for payload, field := range map[string]string{
		`{}`: "code", `{"code":"*1#","reply":"1"}`: "code", `{"reply":"1"}`: "session", `{"code":"*1#","session":"s"}`: "session",
		`{"code":"` + strings.Repeat("1", 183) + `"}`: "code",
	} {
		status, _, raw := do(t, api, http.MethodPost, "/v1/modems/a/ussd", payload)
		if status != 422 || !strings.Contains(raw, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", payload, status, raw)
		}
	}
	if len(*told) > 0 {
		t.Errorf("told %q", *told)
	}
}

func TestModemCommands_NoSuchModemAndNoModems_404(t *testing.T) {
	api, _, _ := commanded(t)
	none := provisioning.New(provisioning.Config{Router: router.New(storagetest.Open(t), router.Options{})})
	for _, a := range []*provisioning.API{api, none} {
		for path, method := range map[string]string{"": "GET", "/disable": "POST", "/enable": "POST", "/drain": "POST", "/balance": "POST", "/learn-number": "POST", "/ussd": "GET"} {
			if status, _, raw := do(t, a, method, "/v1/modems/none"+path, ""); status != 404 || !strings.Contains(raw, "no such modem") {
				t.Errorf("%s: %d %s", path, status, raw)
			}
		}
		if status, _, _ := do(t, a, "DELETE", "/v1/modems/none/ussd", ""); status != 404 {
			t.Errorf("cancel: %d", status)
		}
		if status, _, _ := do(t, a, "POST", "/v1/modems/none/reset", "{}"); status != 404 {
			t.Errorf("reset: %d", status)
		}
	}
}
