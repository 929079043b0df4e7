// Package api answers the requests of the management API:
//
//	POST GET            /configapi/{pool_UUID}/{logpoint_identifier}/LogSources
//	GET PUT DELETE      /configapi/{pool_UUID}/{logpoint_identifier}/LogSources/{id}
//	GET                 /monitorapi/{pool_UUID}/{logpoint_identifier}/orders/{request_id}
//	POST GET            /api/v1/sources
//	GET PUT DELETE      /api/v1/sources/{id}
//	POST                /api/v1/sources/{id}/restore
//	GET                 /api/v1/orders
//	GET                 /api/v1/orders/{id}
//	GET                 /api/v1/openapi.json
//
// Each answer is JSON with a status, Success or Failed, and a message; where members of a request are wrong, errors names each. The
// document openapi.json describes all of it.
package api
