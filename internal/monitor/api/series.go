package api

import "time"

// The windows of a Series.
const (
	WindowMinutes = "10m" // 300 points of 2 seconds
	WindowDay     = "24h" // 1440 points of a minute
)

// Windows are all windows.
func Windows() []string { return []string{WindowMinutes, WindowDay} }

// Series is the flow over time. All lists have one length, the oldest point first; it grows until the window is full.
type Series struct {
	// End is the end of the last point, Step the length of each in seconds.
	End  time.Time `json:"end"`
	Step float64   `json:"step_seconds"`
	// Window is the length of the whole when it is full, in seconds.
	Window float64 `json:"window_seconds"`
	// Records of each point, by outcome.
	Indexed      []int64 `json:"indexed"`
	Duplicate    []int64 `json:"duplicate"`
	Filtered     []int64 `json:"filtered"`
	DeadLettered []int64 `json:"dead_lettered"`
	// InFlight at the end of each point.
	InFlight []int64 `json:"in_flight"`
	// LagP50 and LagP95 in seconds; -1 where nothing was measured.
	LagP50 []float64 `json:"lag_p50_seconds"`
	LagP95 []float64 `json:"lag_p95_seconds"`
}
