package output

import (
	"context"
	"time"
)

// Searcher is an output that tells what it holds. Its methods change nothing and are safe for concurrent use, also beside Write.
type Searcher interface {
	// Stored calls each with the documents of a selection: every one at least once and, where nothing is written meanwhile, exactly once,
	// in no order. Calls come one after the other, maybe from several goroutines; the slice is good until each returns, whose error
	// ends the search. What was durable before Stored was called is found, as far as the credentials allow to make it visible. A data
	// stream that is not there holds nothing.
	Stored(ctx context.Context, sel Selection, each func([]Stored) error) error
	// Copies counts the documents of each _id, whatever their time: one count for each of ids.
	Copies(ctx context.Context, index string, ids []string) ([]int, error)
}

// Selection says which documents are meant.
type Selection struct {
	// Index is the data stream or index. Empty: the output's default.
	Index string
	// From and To bound @timestamp: not before From, and before To. Zero: no bound.
	From, To time.Time
	// Accounts and Regions are what Stored.Account and Stored.Region must be one of. Empty: any.
	Accounts, Regions []string
}

// Stored is what is told of a document.
type Stored struct {
	// ID is its _id.
	ID string
	// Time is its @timestamp, to the millisecond at least. Zero where it has none.
	Time time.Time
	// Account is aws.cloudtrail.recipient_account_id, or cloud.account.id where that is missing, and Region is cloud.region. Empty where
	// they are missing.
	Account, Region string
}

// AccountOf is what Stored.Account is for a document with these two fields.
func AccountOf(recipientAccountID, cloudAccountID string) string {
	if recipientAccountID != "" {
		return recipientAccountID
	}
	return cloudAccountID
}
