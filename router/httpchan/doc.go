// Package httpchan makes a provider with an HTTP interface a channel of the router.
//
// What a provider wants and says is a Description: data, not code. It has the
// request that sends a message, as templates; how its answer is understood; what
// the provider calls us with; and what may be asked for where no call can reach us.
// The settings that it names (a token, a sender) come from who sets the channel up.
// Presets are descriptions that come with the program.
//
// # Promises
//
// A value never leaves its place in a template: JSON is built, not pasted; form,
// query, path and XML are escaped; a header with a control character is refused. A
// secret is shown as ***, also where the provider repeats it.
//
// A request of which an octet left may have sent a message: when its answer does
// not come, or cannot be read, the outcome is unknown, and it is not sent again.
// Where the provider promises to know a repeated key, the same request is tried
// again first. Redirects are not followed. A call of a provider is answered after
// the commit.
package httpchan
