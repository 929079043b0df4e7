package manage

import (
	"encoding/json"
	"time"
)

// Source is a source as it is stored. It holds no secret.
type Source struct {
	// ID is a UUID, and the id of the input in checkpoints, counts and logs.
	ID string `json:"id"`
	// Name is for people; no two sources of a place that are not in the trash have the same.
	Name string `json:"name"`
	// Type of the input.
	Type string `json:"type"`
	// Options of the input, nested. Secrets are left out.
	Options map[string]any `json:"options"`
	// Secrets says where each secret is, by the dotted name of its option.
	Secrets map[string]Secret `json:"secrets,omitempty"`
	// Enrichments are names of management.enrichments.
	Enrichments []string `json:"enrichments,omitempty"`
	// Routing has rules of routing that are asked before those of the configuration, in the form of that group.
	Routing map[string]any `json:"routing,omitempty"`
	// Place tells sources apart that are asked for under different addresses. Empty: that of the plain API.
	Place string `json:"place,omitempty"`
	// Body is the request as it came, its secrets masked, for who translates it.
	Body json.RawMessage `json:"body,omitempty"`
	// Trashed is when it was deleted; zero: it is not.
	Trashed time.Time `json:"trashed,omitzero"`
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
}

// Secret says where a secret is: one of the two.
type Secret struct {
	// Kept is a name in the vault.
	Kept string `json:"kept,omitempty"`
	// Reference is a variable.
	Reference string `json:"reference,omitempty"`
}

// Draft is a source as somebody wants it.
type Draft struct {
	Name        string
	Enrichments []string
	Routing     map[string]any
	Place       string
	Body        json.RawMessage
	// Options of one element of trailbeat.inputs, with type, and with secrets. Masked in place of a secret keeps the one that was there.
	Options map[string]any
	// Warnings are told with the outcome.
	Warnings []string
	// Member translates the dotted name of an option into that of the request. Nil: it is the name of the option.
	Member func(option string) string
}

// MaxName bounds the name of a source, in characters.
const MaxName = 200

// Masked stands for a secret in what is given out.
const Masked = "xxxxx"

// Fault is something wrong with a request.
type Fault struct {
	// Member is where, by its dotted name in the request. Empty: in no one member.
	Member string `json:"member"`
	// Message says what is wrong and what would be right.
	Message string `json:"message"`
}

// The operations of an order.
const (
	Create  = "create"
	Edit    = "edit"
	Delete  = "delete"
	Restore = "restore"
	Purge   = "purge"
)

// The states of an order.
const (
	Queued    = "queued"
	Running   = "running"
	Succeeded = "succeeded"
	Failed    = "failed"
)

// Order is something that is to be done, or was.
type Order struct {
	ID        string `json:"id"`
	Operation string `json:"operation"`
	// Source is the id of what it is about.
	Source string `json:"source"`
	Name   string `json:"name"`
	Place  string `json:"place,omitempty"`
	// State is queued, running, succeeded or failed.
	State string `json:"state"`
	// Message says in a sentence what became of it.
	Message string `json:"message"`
	// Errors are what is wrong with the source.
	Errors   []Fault   `json:"errors,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
	Steps    []Step    `json:"steps,omitempty"`
	Created  time.Time `json:"created"`
	Finished time.Time `json:"finished,omitzero"`
}

// ended reports whether nothing more will become of it.
func (o *Order) ended() bool { return o.State == Succeeded || o.State == Failed }

// Step is one thing that the test of a source looked at.
type Step struct {
	Name string `json:"name"`
	// State is ok, failed or skipped.
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// job is an order with what it needs until it has ended.
type job struct {
	Order
	// Number gives the order of orders.
	Number int64 `json:"number"`
	// Next is the source as it is to be.
	Next *Source `json:"next,omitempty"`
	// Before is the source as it was, once Next has taken its place.
	Before *Source `json:"before,omitempty"`
	// Applied says that the source on disk is Next.
	Applied bool `json:"applied,omitempty"`
}
