package provisioning

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"gsmgate/storage"
)

// HTTPUpstream is what a channel of kind http has beside its settings. It is exported
// for huma, which fills in no others.
type HTTPUpstream struct {
	Preset      string          `json:"preset,omitempty" required:"false" doc:"of kind http: a description that comes with the program, see /v1/presets"`
	Description json.RawMessage `json:"description,omitempty" required:"false" doc:"of kind http: a description of one's own, in place of a preset"`
	Secrets     []string        `json:"secrets,omitempty" required:"false" readOnly:"true" doc:"names of the settings that are set and not shown"`
	Proxy       string          `json:"proxy,omitempty" required:"false" doc:"of kind http: URL of a proxy; its password is not given back"`
	TimeoutS    int             `json:"timeout_s,omitempty" required:"false" doc:"of kind http: seconds that an answer may take; 0: 30"`
	Poll        string          `json:"poll,omitempty" required:"false" doc:"of kind http: on or off; empty: the provider is asked for reports when it cannot call us"`
}

// http makes a record; what is secret in its settings is put apart by CheckChannel.
func (u *Upstream) http() *storage.HTTPChannel {
	return &storage.HTTPChannel{
		Preset: u.Preset, Description: u.Description, Settings: maps.Clone(u.Settings),
		CA: u.CA, Pin: u.Pin, Cert: u.Cert, Key: u.Key, Host: u.Host, Proxy: u.Proxy, Window: u.Window, Rate: u.Rate, TimeoutS: u.TimeoutS, Poll: u.Poll,
	}
}

func (u *Upstream) showHTTP(h *storage.HTTPChannel) {
	u.HTTPUpstream = HTTPUpstream{
		Preset: h.Preset, Description: h.Description, Secrets: slices.Sorted(maps.Keys(h.Secrets)), Proxy: withoutPassword(h.Proxy), TimeoutS: h.TimeoutS, Poll: h.Poll,
	}
	u.Settings, u.CA, u.Pin, u.Cert, u.Host, u.Window, u.Rate = h.Settings, h.CA, h.Pin, h.Cert, h.Host, h.Window, h.Rate
}

// keepSecrets takes from the old record what a change does not repeat, as it is not
// given back.
func keepSecrets(h, old *storage.HTTPChannel) {
	h.Token = old.Token
	if h.Preset == old.Preset {
		h.Secrets = maps.Clone(old.Secrets)
	}
	if h.Key == "" && h.Cert == old.Cert {
		h.Key = old.Key
	}
	if h.Proxy == withoutPassword(old.Proxy) {
		h.Proxy = old.Proxy
	}
}

// Preset is a description of an HTTP provider that comes with the program.
type Preset struct {
	Name     string          `json:"name"`
	Title    string          `json:"title"`
	Reports  bool            `json:"reports" doc:"the provider calls us with them"`
	Incoming bool            `json:"incoming" doc:"likewise messages of handsets"`
	Polls    bool            `json:"polls" doc:"it can be asked, too"`
	Settings []PresetSetting `json:"settings"`
	Docs     []string        `json:"docs"`
}

// PresetSetting is something that a description asks for.
type PresetSetting struct {
	Name     string `json:"name"`
	About    string `json:"about"`
	Secret   bool   `json:"secret"`
	Optional bool   `json:"optional"`
	Default  string `json:"default,omitempty"`
	Example  string `json:"example,omitempty"`
}

// TrialOf is a text that is to be sent by a channel, beside the router.
type TrialOf struct {
	From string `json:"from,omitempty" required:"false"`
	To   string `json:"to" minLength:"1"`
	Text string `json:"text"`
}

// Trial is what became of it.
type Trial struct {
	Request string  `json:"request" doc:"as it went out; secrets are ***"`
	Status  int     `json:"status" doc:"of HTTP; 0: no answer came"`
	Answer  string  `json:"answer" doc:"headers and body, or why there was none"`
	Class   string  `json:"class" doc:"accepted, permanent, elsewhere, temporary, throttle, ill, no-credit or unknown"`
	Ref     string  `json:"ref,omitempty" doc:"the provider's name for the message"`
	Code    string  `json:"code,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	WaitS   float64 `json:"wait_s,omitempty" doc:"seconds that the provider wants us to wait"`
}

// CallURLs are where a provider is to call us. They hold a secret.
type CallURLs struct {
	Report   string `json:"report" doc:"for reports; empty when it has none, or cannot reach us"`
	Incoming string `json:"incoming" doc:"with messages of handsets, likewise"`
}

func (a *API) routeHTTPUpstreams() {
	route(a, http.MethodGet, "/v1/presets", 200, "descriptions of HTTP providers that come with the program", a.presets)
	route(a, http.MethodGet, "/v1/channels/{name}/urls", 200, "URLs that an HTTP provider is to call; they hold a secret", a.callURLs)
	route(a, http.MethodPost, "/v1/channels/{name}/try", 200, "send one text by an HTTP provider, beside the router, and show what was said", a.try)
}

func (a *API) presets(context.Context, *none) ([]Preset, error) { return call(a.Presets), nil }

func (a *API) callURLs(_ context.Context, in *ByUpstream) (CallURLs, error) {
	if _, err := a.Router.ChannelRecord(in.Name); err != nil {
		return CallURLs{}, err
	}
	if a.CallURLs != nil {
		if urls, ok := a.CallURLs(in.Name); ok {
			return urls, nil
		}
	}
	return CallURLs{}, problem(http.StatusConflict, "name", "the channel takes no calls", "it is of another kind, is disabled, or no gateway runs")
}

func (a *API) try(ctx context.Context, in *struct {
	ByUpstream
	Body TrialOf
}) (Trial, error) {
	c, err := a.Router.ChannelRecord(in.Name)
	if err != nil {
		return Trial{}, err
	}
	if a.TryChannel == nil || c.HTTP == nil {
		return Trial{}, problem(http.StatusConflict, "name", "only a channel of kind http can be tried", "")
	}
	return a.TryChannel(ctx, &c, in.Body)
}

// withoutPassword is the URL of a proxy without its password.
func withoutPassword(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return text
	}
	u.User = url.User(u.User.Username())
	return u.String()
}
