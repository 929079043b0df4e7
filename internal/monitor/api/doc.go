// Package api is what a running Trailbeat tells about itself over HTTP, as Go types and a client. The status page, `trailbeat top`
// and scripts read the same JSON. It imports the standard library only.
//
// Members are added, never renamed or removed, within /api/v1. Durations are seconds, sizes bytes, times RFC 3339 in UTC.
// What comes from events or servers is text of strangers: show it escaped, never as markup.
package api
