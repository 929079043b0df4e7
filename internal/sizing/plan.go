package sizing

import "math"

// What a whole shipper needs beside the stages that are measured. docs/sizing.md says how these were found.
const (
	// Overhead is the processor time of a whole shipper with a gzip'ed HTTP output, by that of the stages.
	Overhead = 1.4
	// Peak is how many times the average the busiest hour is.
	Peak = 3.0
	// Load is how busy a core should be at the peak, so that a backlog is made up for.
	Load = 0.6
	// BaseMemory is what the process takes with any input, WorkerMemory what each worker adds, in bytes.
	BaseMemory   = 64 << 20
	WorkerMemory = 24 << 20
)

// Plan is what a number of events a day means.
type Plan struct {
	EventsPerDay float64 `json:"events_per_day"`
	// AverageCores are busy over the whole day, Cores are to be there at the peak: at least one.
	AverageCores float64 `json:"average_cores"`
	Cores        int     `json:"cores"`
	// Memory in bytes, with as many workers as cores.
	Memory int64 `json:"memory_bytes"`
	// InPerSecond and OutPerSecond are bits a second at the peak: of packed files read, and of compressed requests sent.
	InPerSecond  float64 `json:"in_bits_per_second"`
	OutPerSecond float64 `json:"out_bits_per_second"`
	// ObjectsPerDay are files fetched, each with a message, RequestsPerDay bulk requests.
	ObjectsPerDay  float64 `json:"objects_per_day"`
	RequestsPerDay float64 `json:"requests_per_day"`
	// StoredPerDay is the size of the documents, uncompressed, in bytes.
	StoredPerDay float64 `json:"document_bytes_per_day"`
}

const day = 24 * 3600.0

// Plan says what machine that many events a day need, when they look like the measured ones.
func (r *Result) Plan(perDay float64) Plan {
	n := float64(r.Records)
	p := Plan{
		EventsPerDay:   perDay,
		AverageCores:   perDay / day * r.Microseconds * Overhead / 1e6,
		InPerSecond:    perDay / day * Peak * float64(r.PackedBytes) / n * 8,
		OutPerSecond:   perDay / day * Peak * float64(r.SentBytes) / n * 8,
		ObjectsPerDay:  perDay * float64(r.Files) / n,
		RequestsPerDay: perDay * float64(r.Requests) / n,
		StoredPerDay:   perDay * float64(r.BodyBytes) / n,
	}
	p.Cores = max(1, int(math.Ceil(p.AverageCores*Peak/Load)))
	p.Memory = BaseMemory + int64(p.Cores)*WorkerMemory
	return p
}
