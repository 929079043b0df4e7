// Package web serves what a monitor knows: the status page, the API behind it, health and readiness, metrics for Prometheus and the
// counters in the shape of Beats. All comes out of the binary; the page loads nothing from elsewhere.
//
//	GET /                    the page; JSON about the program for who does not ask for HTML, as Beats
//	GET /health              200 while the process lives
//	GET /ready               200 while what is read can be delivered, else 503 with the reasons
//	GET /metrics             Prometheus and OpenMetrics
//	GET /stats /state        JSON in the shape of Beats
//	GET /api/v1/status       package api
//	GET /api/v1/series       package api
//	GET /debug/pprof/        with http.pprof.enabled
//
// Others may add routes (Options.Routes): they stand behind the same checks, and behind the same authentication unless they have one
// of their own (Route.OwnGuard).
//
// It listens on loopback unless it is told to, and elsewhere only with authentication or a clear wish for none. On loopback a request
// must name a loopback host, so that a foreign page whose name resolves to 127.0.0.1 reads nothing; requests that change something
// must not come from another origin.
package web
