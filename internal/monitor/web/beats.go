package web

import (
	"cmp"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/trailbeat/trailbeat/internal/monitor"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
)

// object is a JSON object with few members, as Beats nest them.
type object map[string]any

// stats answers with counters at the places where Filebeat has them. What Filebeat has and Trailbeat has not, such as the queue in
// memory, is not there; events are records.
func (h *handler) stats(w http.ResponseWriter, _ *http.Request) {
	st, counters := h.Source.Status(), h.Source.Stats()
	answer(w, http.StatusOK, object{
		"beat":      beat(&st),
		"filebeat":  filebeat(&st, &counters),
		"libbeat":   libbeat(&st, &counters),
		"trailbeat": trailbeat(&st, &counters),
		"system":    object{"cpu": object{"cores": runtime.NumCPU()}},
	})
}

// trailbeat is what Filebeat has no place for.
func trailbeat(st *api.Status, c *monitor.Stats) object {
	own := object{"records": st.Flow, "ready": st.Ready}
	if len(c.Rules) > 0 {
		own["rules"] = c.Rules
	}
	if len(c.Outputs) > 1 {
		outputs := object{}
		for _, o := range c.Outputs {
			outputs[cmp.Or(o.Name, "default")] = object{
				"up": o.Up, "batches": object{"total": o.Batches, "failed": o.FailedBatches},
				"events": object{"acked": o.Stored + o.Duplicate, "active": o.Active, "duplicates": o.Duplicate, "failed": o.Retried, "refused": o.Refused, "total": o.Sent},
			}
		}
		own["outputs"] = outputs
	}
	return own
}

// state is what Beats tell of their setup.
func (h *handler) state(w http.ResponseWriter, _ *http.Request) {
	st := h.Source.Status()
	p := st.Program
	answer(w, http.StatusOK, object{
		"beat":    object{"name": p.Agent},
		"host":    object{"hostname": p.Hostname, "architecture": runtime.GOARCH, "os": object{"platform": runtime.GOOS}},
		"input":   object{"count": len(st.Inputs), "names": inputTypes(&st)},
		"output":  object{"name": st.Output.Type},
		"service": object{"id": p.AgentID, "name": p.Name, "version": p.Version},
	})
}

func inputTypes(st *api.Status) []string {
	out := []string{}
	for _, in := range st.Inputs {
		out = append(out, in.Type)
	}
	return out
}

func beat(st *api.Status) object {
	p := st.Program
	user, system := monitor.CPUTime()
	return object{
		"info": object{
			"ephemeral_id": p.EphemeralID, "name": p.Name, "version": p.Version,
			"uptime": object{"ms": int64(p.Uptime * 1000)},
		},
		"cpu": object{
			"user": cpu(user), "system": cpu(system),
			"total": object{"ticks": (user + system).Milliseconds(), "time": object{"ms": (user + system).Milliseconds()}, "value": (user + system).Milliseconds()},
		},
		"memstats": memory(),
		"runtime":  object{"goroutines": runtime.NumGoroutine()},
	}
}

func cpu(d time.Duration) object {
	return object{"ticks": d.Milliseconds(), "time": object{"ms": d.Milliseconds()}}
}

// memory reads what does not stop the world.
func memory() object {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"},
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/goal:bytes"},
	}
	metrics.Read(samples)
	m := object{
		"memory_alloc": samples[0].Value.Uint64(), "memory_sys": samples[1].Value.Uint64(),
		"memory_total": samples[2].Value.Uint64(), "gc_next": samples[3].Value.Uint64(),
	}
	if rss := residentBytes(); rss > 0 {
		m["rss"] = rss
	}
	return m
}

func libbeat(st *api.Status, c *monitor.Stats) object {
	out, f := c.Output, st.Flow
	return object{
		"config": object{"module": object{"running": 0, "starts": 0, "stops": 0}, "reloads": 0, "scans": 0},
		"output": object{
			"type":    st.Output.Type,
			"batches": object{"total": out.Batches, "failed": out.FailedBatches},
			"events": object{
				// What is durable was acknowledged; failed ones are sent again.
				"acked": out.Stored + out.Duplicate, "active": out.Active, "batches": out.Batches,
				"dead_letter": f.DeadLettered, "dropped": 0, "duplicates": out.Duplicate, "failed": out.Retried, "total": out.Sent,
			},
			"read":  object{"errors": 0},
			"write": object{"errors": out.FailedBatches},
		},
		"pipeline": object{
			"clients": len(st.Inputs),
			"events": object{
				"active": f.InFlight, "published": f.Received - f.Filtered, "filtered": f.Filtered, "dropped": 0,
				"failed": f.Returned, "retry": out.Retried, "total": f.Received,
			},
			"queue": object{"acked": f.Indexed + f.Duplicate + f.DeadLettered},
		},
	}
}

func filebeat(st *api.Status, c *monitor.Stats) object {
	f, running := st.Flow, int64(0)
	for _, in := range st.Inputs {
		if in.State != "ended" && in.State != "failed" {
			running++
		}
	}
	return object{
		"events": object{"active": f.InFlight, "added": f.Received, "done": f.Received - f.InFlight},
		"harvester": object{
			"started": c.ObjectsStarted, "closed": c.ObjectsDone, "running": c.ObjectsStarted - c.ObjectsDone,
			"open_files": c.ObjectsStarted - c.ObjectsDone, "skipped": skipped(st),
		},
		"input": object{"log": object{"files": object{"renamed": 0, "truncated": 0}}, "running": running},
	}
}

func skipped(st *api.Status) (n int64) {
	for _, in := range st.Inputs {
		n += in.Skipped
	}
	return n
}

// residentBytes is the memory that the process has in RAM. Zero where the system does not tell.
func residentBytes() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var pages [2]uint64
	i := 0
	for _, b := range text {
		switch {
		case b >= '0' && b <= '9':
			pages[i] = pages[i]*10 + uint64(b-'0')
		case i == 0:
			i = 1
		default:
			return pages[1] * uint64(os.Getpagesize())
		}
	}
	return 0
}
