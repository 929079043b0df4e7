package api

import "time"

// The paths of the API.
const (
	// StatusPath answers GET with a Status.
	StatusPath = "/api/v1/status"
	// SeriesPath answers GET with a Series; the parameter window is one of Windows.
	SeriesPath = "/api/v1/series"
)

// Status is the state of the process at one moment.
type Status struct {
	// Now is when it was taken, by the clock of the process.
	Now     time.Time `json:"now"`
	Program Program   `json:"program"`
	// State is one of the State constants.
	State string `json:"state"`
	// Ready says what /ready says: what is read can be delivered.
	Ready bool `json:"ready"`
	// Problems are those of now, the gravest first. Empty when all is well.
	Problems []Problem `json:"problems"`
	// Flow is the account of the run. It balances at every moment.
	Flow Flow `json:"flow"`
	// Rate is events per second, of the last ten seconds.
	Rate Rate `json:"rate"`
	// Lag is that of the last five minutes.
	Lag Lag `json:"lag"`
	// Inputs are those of the configuration, in its order.
	Inputs []Input `json:"inputs"`
	Output Output  `json:"output"`
	// Outputs are those below outputs, in the order of their names. Absent: there are none.
	Outputs []Output `json:"outputs,omitempty"`
	// Rules take records out or send documents somewhere: those of processors, then those of routing. Absent: there are none.
	Rules       []Rule      `json:"rules,omitempty"`
	DeadLetters DeadLetters `json:"dead_letters"`
	// Places are accounts and regions, those with the most events of the last hour first. All that are over MaxPlaces are one.
	Places []Place `json:"places"`
	Top    Top     `json:"top"`
	// Integrity says whether the past is complete. Absent: integrity.enabled is false.
	Integrity *Integrity `json:"integrity,omitempty"`
	// Process is what it costs.
	Process Process `json:"process"`
}

// The states of the whole.
const (
	// StateStarting: the run is being put together.
	StateStarting = "starting"
	// StateRunning: all is well.
	StateRunning = "running"
	// StateDegraded: something is wrong, and what can be delivered is delivered.
	StateDegraded = "degraded"
	// StateBlocked: nothing can be delivered for now; it is tried again.
	StateBlocked = "blocked"
	// StateStopping: no more is read.
	StateStopping = "stopping"
)

// Program says who answers.
type Program struct {
	Name    string `json:"name"` // trailbeat
	Version string `json:"version"`
	// Agent is agent.name of the documents, AgentID their agent.id, EphemeralID new with every start.
	Agent       string    `json:"agent"`
	AgentID     string    `json:"agent_id"`
	EphemeralID string    `json:"ephemeral_id"`
	Hostname    string    `json:"hostname"`
	Started     time.Time `json:"started"`
	Uptime      float64   `json:"uptime_seconds"`
	Details     bool      `json:"details"` // http.details: names out of events are shown
}

// Problem is something that is wrong now.
type Problem struct {
	// Where is output, dead_letters, integrity, or output or input and the name of one: "output cheap", "input trail".
	Where string `json:"where"`
	// Text says what is wrong, Hint how to mend it where that is known.
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
	// Since is when it began. Zero: not known.
	Since time.Time `json:"since,omitzero"`
	// Blocking says that nothing is delivered because of it.
	Blocking bool `json:"blocking"`
}

// Flow counts records: received = indexed + duplicate + filtered + dead_lettered + in_flight + returned.
type Flow struct {
	Received     int64 `json:"received"`
	Indexed      int64 `json:"indexed"`
	Duplicate    int64 `json:"duplicate"`
	Filtered     int64 `json:"filtered"`
	DeadLettered int64 `json:"dead_lettered"`
	InFlight     int64 `json:"in_flight"`
	// Returned went back to their source and come again.
	Returned   int64 `json:"returned"`
	ReadErrors int64 `json:"read_errors"`
}

// Balanced reports whether the sum is right.
func (f Flow) Balanced() bool {
	return f.Received == f.Indexed+f.Duplicate+f.Filtered+f.DeadLettered+f.InFlight+f.Returned
}

// Rate is records per second by outcome.
type Rate struct {
	Received     float64 `json:"received"`
	Indexed      float64 `json:"indexed"`
	Duplicate    float64 `json:"duplicate"`
	Filtered     float64 `json:"filtered"`
	DeadLettered float64 `json:"dead_lettered"`
}

// Lag is the time from eventTime to durable in the output, of documents that were new there.
type Lag struct {
	// Events is how many it was measured on. 0: the others mean nothing.
	Events int64 `json:"events"`
	// P50 and P95 are estimates out of a histogram, Max is exact.
	P50 float64 `json:"p50_seconds"`
	P95 float64 `json:"p95_seconds"`
	Max float64 `json:"max_seconds"`
}

// Input is one configured input.
type Input struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// Source is what is read, as far as the input tells.
	Source string `json:"source,omitempty"`
	// State is starting, reading, waiting, failing, ended or failed; running where an input does not tell.
	State string `json:"state"`
	Flow  Flow   `json:"flow"`
	Rate  Rate   `json:"rate"`
	// LastObject was begun at LastObjectTime. Empty without Program.Details.
	LastObject     string    `json:"last_object,omitempty"`
	LastObjectTime time.Time `json:"last_object_time,omitzero"`
	// LastBatch is when records came last.
	LastBatch time.Time `json:"last_batch,omitzero"`
	NextPoll  time.Time `json:"next_poll,omitzero"`
	// Unit is what Objects, Waiting and InFlight count: file, object, message, log_event, event. Empty: the input does not tell.
	Unit string `json:"unit,omitempty"`
	// Waiting is about how much waits at the source, such as messages in a queue. -1: not known.
	Waiting  int64 `json:"waiting"`
	Open     int64 `json:"open"`
	Read     int64 `json:"read"`
	Failing  int64 `json:"failing"`
	Failed   int64 `json:"failed"`
	Skipped  int64 `json:"skipped"`
	Bytes    int64 `json:"bytes"`
	Calls    int64 `json:"calls"`
	Throttle int64 `json:"throttled"`
	// Leases are how the work is shared with other processes. Absent: it is not.
	Leases *Leases `json:"leases,omitempty"`
	// Errors by kind, those that are not zero.
	Errors map[string]int64 `json:"errors,omitempty"`
	// LastError is the latest, also where it has passed. Hint says how to mend it.
	LastError     string    `json:"last_error,omitempty"`
	LastErrorHint string    `json:"last_error_hint,omitempty"`
	LastErrorTime time.Time `json:"last_error_time,omitzero"`
}

// Leases are how an input shares its work with other processes.
type Leases struct {
	// Members are the processes that are alive, this one included. Held of the Known pieces of work, such as folders of a bucket, are this
	// process's.
	Members int64 `json:"members"`
	Known   int64 `json:"known"`
	Held    int64 `json:"held"`
	// Acquired is how often it got one, TakenOver of them from a process that had gone without giving it back, Released how often it gave
	// one to another, Lost how often another read on since this one was silent for too long.
	Acquired  int64 `json:"acquired"`
	TakenOver int64 `json:"taken_over"`
	Released  int64 `json:"released"`
	Lost      int64 `json:"lost"`
	// RenewalsFailed is how often it could not say that it lives.
	RenewalsFailed int64 `json:"renewals_failed"`
}

// RuleOfRouting is the Kind of rules of routing.
const RuleOfRouting = "routing"

// Rule is a rule of the configuration, and what it decided in this run.
type Rule struct {
	// Name is its id or name in the configuration, or its place there.
	Name string `json:"name"`
	// Kind is RuleOfRouting, or the processor: drop_event, sample.
	Kind string `json:"kind"`
	// Output is where to: default, the name of one below outputs, dead_letters or discard.
	Output string `json:"output"`
	// Dataset and Namespace are those that it sets. Absent: it leaves them.
	Dataset   string `json:"dataset,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// Events met it. One that is delivered again counts again.
	Events int64 `json:"events"`
}

// Output is where documents go.
type Output struct {
	// Name is that below outputs. Absent: it is the one of the group output.
	Name string `json:"name,omitempty"`
	Type string `json:"type"`
	// Down says that it takes nothing now, since Since and for the reason Error.
	Down  bool      `json:"down"`
	Since time.Time `json:"since,omitzero"`
	Error string    `json:"error,omitempty"`
	// Batches were sent, FailedBatches were not answered or refused as a whole. A batch that is sent again counts again.
	Batches       int64 `json:"batches"`
	FailedBatches int64 `json:"failed_batches"`
	// Sent documents, Retried ones among them that were refused for now, Refused ones that were refused for good.
	Sent    int64 `json:"sent"`
	Retried int64 `json:"retried"`
	Refused int64 `json:"refused"`
	// Active documents are being written.
	Active int64 `json:"active"`
	// Latency is the mean time of one write in the last minute, in seconds.
	Latency   float64   `json:"latency_seconds"`
	LastWrite time.Time `json:"last_write,omitzero"`
}

// DeadLetters are records that could not be indexed.
type DeadLetters struct {
	// Place is a file or a data stream.
	Place string `json:"place"`
	// Total is of this run.
	Total int64 `json:"total"`
	// Error is why none can be stored now. Empty: they can.
	Error string `json:"error,omitempty"`
	// Reasons by type, the most first; of bounded number.
	Reasons []LetterReason `json:"reasons"`
	// Recent are the latest, the newest first.
	Recent []Letter `json:"recent"`
}

// LetterReason counts dead letters of one type, with the text of the latest.
type LetterReason struct {
	Type   string `json:"type"`
	Count  int64  `json:"count"`
	Reason string `json:"reason"`
}

// Letter is one dead letter, without its record.
type Letter struct {
	Time   time.Time `json:"time"`
	Type   string    `json:"type"`
	Reason string    `json:"reason"` // shortened; values of the event are taken out
	Status int       `json:"status,omitempty"`
	Input  string    `json:"input"`
	// ID is the _id. Origin and Index say where the record is.
	ID     string `json:"id,omitempty"`
	Origin string `json:"origin,omitempty"`
	Index  int64  `json:"index"`
	Size   int    `json:"size"`
	// Sample is the beginning of the record, only where http.dead_letter_sample asks for it.
	Sample string `json:"sample,omitempty"`
}

// MaxPlaces bounds how many accounts and regions are told apart.
const MaxPlaces = 64

// Other stands for accounts and regions beyond MaxPlaces.
const Other = "other"

// Place is an account in a region.
type Place struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	// Events were delivered in this run, Rate is of the last minute.
	Events int64   `json:"events"`
	Rate   float64 `json:"rate"`
	// Lag is that of the last five minutes.
	Lag Lag `json:"lag"`
	// LastEvent is the newest eventTime that was delivered.
	LastEvent time.Time `json:"last_event,omitzero"`
	// Minutes are the events of each of the last 60 minutes, the oldest first.
	Minutes []int64 `json:"minutes"`
}

// Top is what passed lately, by what happened most often. Counts are estimates: of large batches a sample is counted, and the
// lists are bounded. Empty without Program.Details.
type Top struct {
	// Seconds is how far back it goes.
	Seconds    float64 `json:"seconds"`
	Actions    List    `json:"actions"`
	Principals List    `json:"principals"`
	Countries  List    `json:"countries"`
	Errors     List    `json:"errors"`
}

// List is the most frequent of something.
type List struct {
	// Total is all that was counted, also what is not in Items.
	Total int64  `json:"total"`
	Items []Item `json:"items"`
}

// Item is one of a List.
type Item struct {
	Name string `json:"name"`
	// Detail is the service of an action or of an error.
	Detail string `json:"detail,omitempty"`
	Count  int64  `json:"count"`
	// Over is by how much Count may be too high.
	Over int64 `json:"over,omitempty"`
}

// Process is what the process uses.
type Process struct {
	Goroutines int     `json:"goroutines"`
	Heap       uint64  `json:"heap_bytes"`
	Memory     uint64  `json:"memory_bytes"`
	CPU        float64 `json:"cpu_seconds"`
	Cores      int     `json:"cores"`
}
