// Package ecs is the document that a CloudTrail record becomes: a Go struct with the fields of the Elastic Common Schema
// that Trailbeat writes, its JSON encoder, and the table of its fields.
//
//	var ev ecs.Event
//	ev.Source.IP = "192.0.2.1"
//	ev.Event.Category = append(ev.Event.Category, "iam")
//	body = ev.AppendJSON(body[:0])
//
// # Fields
//
// The structs are generated from fields.yml, so a misspelt field does not compile. A field's Go name is its path with the
// words in capitals: user.target.entity.id is ev.User.Target.Entity.ID. Empty values mean that the document does not have
// the field; no field is ever written as null or as empty text.
//
// Get, Put and Delete reach the same values by their dotted path, for conditions and processors. Paths that fields.yml
// does not know are kept beside the struct and written at their place. PutRaw keeps a value whose type is not the declared
// one, as JSON.
//
// # What it is not
//
// It is not the whole of ECS, and no JSON decoder: the package pipeline makes events. It checks no values but those that
// come through Put; what is assigned to a member is written as it is, and RawJSON must be valid.
//
// # Concurrency and memory
//
// An Event belongs to one goroutine at a time. Functions of the package are safe for concurrent use. Strings of an Event
// may point into the record that it was made of, or into its Arena. They are valid until Reset and for as long as the
// record's bytes: copy (strings.Clone) what is to live longer.
//
// # Cost
//
// AppendJSON and Reset allocate nothing once their buffers have grown: about a microsecond for a document, and one more
// for each kilobyte of text that needs escaping. Get and Put by path of a declared field are a switch over the path. Values
// outside the struct cost allocations when they are put, and one comparison for each group while there are none.
package ecs
