package web

import (
	"cmp"
	"fmt"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/trailbeat/trailbeat/internal/monitor"
)

// newMetrics serves /metrics.
func newMetrics(src Source) (http.Handler, error) {
	reg := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		newCollector(src), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4}), nil
}

// collector makes metrics of the monitor's counters whenever it is asked, so that nothing is counted twice. All labels are bounded:
// inputs, outputs and rules by the configuration, places by api.MaxPlaces, types of dead letters by the monitor, the others by lists.
type collector struct {
	src Source
	table
	all []*prometheus.Desc
}

func newCollector(src Source) *collector {
	m, all := newDescs()
	return &collector{src, m, all}
}

// table holds all metrics of Trailbeat. docs/operate.md lists them, which a test compares.
type table struct {
	buildInfo, ready, outputUp                                      *prometheus.Desc
	received, settled, inFlight, readErrors                         *prometheus.Desc
	batch, objects, objectsStarted                                  *prometheus.Desc
	writes, documents, active, writeTime, rules                     *prometheus.Desc
	letters                                                         *prometheus.Desc
	events, lag, newest                                             *prometheus.Desc
	waiting, open, failing, read, failed, skipped, calls, throttled *prometheus.Desc
	inputBytes, inputErrors                                         *prometheus.Desc
	leaseMembers, leases, leasesHeld, leaseChanges, leaseRenewals   *prometheus.Desc
	integrityUntil, integrityLast, integrityOpen, integrityMissing  *prometheus.Desc
	integrityChecks, integrityFound                                 *prometheus.Desc
}

func newDescs() (table, []*prometheus.Desc) {
	var all []*prometheus.Desc
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		d := prometheus.NewDesc("trailbeat_"+name, help, labels, nil)
		all = append(all, d)
		return d
	}
	m := table{
		buildInfo: desc("build_info", "The version that runs; always 1.", "version", "goversion"),
		ready:     desc("ready", "1 while what is read can be delivered, else 0."),
		outputUp:  desc("output_up", "0 while the output takes nothing and all workers wait for it, else 1.", "output"),

		received:   desc("records_received_total", "Records that an input handed out. One that is delivered again counts again.", "input"),
		settled:    desc("records_total", "Records by what became of them; returned ones come again.", "input", "outcome"),
		inFlight:   desc("records_in_flight", "Records on their way.", "input"),
		readErrors: desc("read_errors_total", "Errors while reading that the input survived.", "input"),

		batch:          desc("batch_records", "Records in each batch that an input handed out."),
		objects:        desc("object_size_bytes", "Unpacked size of each file or S3 object, up to the end of its last record."),
		objectsStarted: desc("objects_started_total", "Files and S3 objects that records came of."),

		writes:    desc("output_writes_total", "Requests to the output; failed ones were not answered, or refused as a whole.", "output", "result"),
		documents: desc("output_documents_total", "Documents by the output's verdict. One that is sent again counts again.", "output", "result"),
		active:    desc("output_active_documents", "Documents that are being written.", "output"),
		writeTime: desc("output_write_duration_seconds", "Time of one write.", "output"),
		rules:     desc("rule_events_total", "Records that met a rule of the configuration that takes them out or sends them somewhere.", "rule", "kind", "output"),

		letters: desc("dead_letters_total", "Records that can never be indexed as they are, by the type of the reason.", "type"),

		events: desc("events_total", "Documents that were delivered, by account and region.", "account", "region"),
		lag:    desc("event_lag_seconds", "Time from eventTime until the document was durable in the output.", "account", "region"),
		newest: desc("newest_event_timestamp_seconds", "The latest eventTime that was delivered.", "account", "region"),

		waiting:     desc("input_waiting", "About how much waits at the source, such as messages in a queue.", "input"),
		open:        desc("input_open", "Objects, files, messages or log events that are being read.", "input"),
		failing:     desc("input_failing", "Of them those that could not be read yet although they were tried.", "input"),
		read:        desc("input_read_total", "Of them those that were read to their end and are durable.", "input"),
		failed:      desc("input_failed_total", "How often one could not be read or delivered.", "input"),
		skipped:     desc("input_skipped_total", "Of them those that were left out.", "input"),
		calls:       desc("input_calls_total", "Calls that look for something to read.", "input"),
		throttled:   desc("input_throttled_total", "Of these calls those that were refused for their number.", "input"),
		inputBytes:  desc("input_bytes_total", "Bytes that came from the source.", "input"),
		inputErrors: desc("input_errors_total", "What went wrong at the source, by kind.", "input", "kind"),

		leaseMembers:  desc("input_lease_members", "Processes that share the work and are alive, this one included.", "input"),
		leases:        desc("input_leases", "Leases that there are: one for each folder of an account and region.", "input"),
		leasesHeld:    desc("input_leases_held", "Of them those that this process has.", "input"),
		leaseChanges:  desc("input_lease_changes_total", "Leases of this process by what became of them.", "input", "change"),
		leaseRenewals: desc("input_lease_renewals_failed_total", "How often this process could not renew its leases. Where that stays, they are lost.", "input"),

		integrityUntil:   desc("integrity_checked_until_timestamp_seconds", "The end of the past that was looked at."),
		integrityLast:    desc("integrity_last_check_timestamp_seconds", "When a check of the past ended last."),
		integrityOpen:    desc("integrity_incomplete", "Hours that are not complete, each of an account and region and for each check."),
		integrityMissing: desc("integrity_missing", "Events and files that are missing in these hours."),
		integrityChecks:  desc("integrity_checks_total", "Checks of the past; a failed one is made again.", "result"),
		integrityFound:   desc("integrity_findings_total", "Digests and hours that were looked at, by what was found.", "check", "outcome"),
	}
	return m, all
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.all {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	stats, status, d := c.src.Stats(), c.src.Status(), &c.table
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	count := func(desc *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(d.buildInfo, 1, status.Program.Version, runtime.Version())
	gauge(d.ready, one(status.Ready))
	for _, in := range stats.Counts.Inputs {
		count(d.received, in.Received, in.ID)
		count(d.settled, in.Indexed, in.ID, "indexed")
		count(d.settled, in.Duplicate, in.ID, "duplicate")
		count(d.settled, in.Filtered, in.ID, "filtered")
		count(d.settled, in.DeadLettered, in.ID, "dead_lettered")
		count(d.settled, in.Returned, in.ID, "returned")
		gauge(d.inFlight, float64(in.InFlight), in.ID)
		count(d.readErrors, in.ReadErrors, in.ID)
	}
	ch <- histogram(d.batch, stats.Batches)
	ch <- histogram(d.objects, stats.Objects)
	count(d.objectsStarted, stats.ObjectsStarted)
	for _, o := range stats.Outputs {
		name := cmp.Or(o.Name, "default")
		gauge(d.outputUp, one(o.Up), name)
		count(d.writes, o.Batches-o.FailedBatches, name, "answered")
		count(d.writes, o.FailedBatches, name, "failed")
		count(d.documents, o.Stored, name, "stored")
		count(d.documents, o.Duplicate, name, "duplicate")
		count(d.documents, o.Retried, name, "retried")
		count(d.documents, o.Refused, name, "refused")
		gauge(d.active, float64(o.Active), name)
		ch <- histogram(d.writeTime, o.Writes, name)
	}
	for _, r := range stats.Rules {
		count(d.rules, r.Events, r.Name, r.Kind, r.Output)
	}
	for kind, n := range stats.Letters {
		count(d.letters, n, kind)
	}
	for _, p := range stats.Places {
		count(d.events, p.Events, p.Account, p.Region)
		if p.Newest > 0 {
			ch <- histogram(d.lag, p.Lag, p.Account, p.Region)
			gauge(d.newest, float64(p.Newest), p.Account, p.Region)
		}
	}
	if i := status.Integrity; i != nil {
		if !i.CheckedUntil.IsZero() {
			gauge(d.integrityUntil, float64(i.CheckedUntil.Unix()))
		}
		if !i.LastCheck.IsZero() {
			gauge(d.integrityLast, float64(i.LastCheck.Unix()))
		}
		gauge(d.integrityOpen, float64(i.IncompleteHours))
		gauge(d.integrityMissing, float64(i.Missing))
		count(d.integrityChecks, i.Checks-i.Failed, "done")
		count(d.integrityChecks, i.Failed, "failed")
		for _, f := range i.Findings {
			count(d.integrityFound, f.Complete, f.Check, "complete")
			count(d.integrityFound, f.Incomplete, f.Check, "incomplete")
		}
	}
	for _, in := range status.Inputs {
		if in.Unit == "" {
			continue // it does not tell
		}
		if in.Waiting >= 0 {
			gauge(d.waiting, float64(in.Waiting), in.ID)
		}
		gauge(d.open, float64(in.Open), in.ID)
		gauge(d.failing, float64(in.Failing), in.ID)
		count(d.read, in.Read, in.ID)
		count(d.failed, in.Failed, in.ID)
		count(d.skipped, in.Skipped, in.ID)
		count(d.calls, in.Calls, in.ID)
		count(d.throttled, in.Throttle, in.ID)
		count(d.inputBytes, in.Bytes, in.ID)
		for kind, n := range in.Errors {
			count(d.inputErrors, n, in.ID, kind)
		}
		if l := in.Leases; l != nil {
			gauge(d.leaseMembers, float64(l.Members), in.ID)
			gauge(d.leases, float64(l.Known), in.ID)
			gauge(d.leasesHeld, float64(l.Held), in.ID)
			count(d.leaseChanges, l.Acquired-l.TakenOver, in.ID, "acquired")
			count(d.leaseChanges, l.TakenOver, in.ID, "taken_over")
			count(d.leaseChanges, l.Released, in.ID, "released")
			count(d.leaseChanges, l.Lost, in.ID, "lost")
			count(d.leaseRenewals, l.RenewalsFailed, in.ID)
		}
	}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// histogram adds the counts up, as Prometheus wants them.
func histogram(d *prometheus.Desc, h monitor.Histogram, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(h.Bounds))
	var sum uint64
	for i, bound := range h.Bounds {
		sum += h.Counts[i]
		buckets[bound] = sum
	}
	return prometheus.MustNewConstHistogram(d, h.Total(), h.Sum, buckets, labels...)
}
