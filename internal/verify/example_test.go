package verify_test

import (
	"context"
	"fmt"
	"time"

	"github.com/trailbeat/trailbeat/internal/verify"
	"github.com/trailbeat/trailbeat/internal/verify/verifytest"
)

// A schedule verifies the last hours again and again, and tells of each digest whether its hour is complete.
func ExampleVerifier_Run() {
	key := testKeys()[0]
	store := &verifytest.Store{Own: "my-trail"}
	trail := &verifytest.Trail{Sink: store, Key: key, Bucket: "my-trail", Account: "123456789012", Region: "eu-west-1", Name: "all"}
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	digests, err := trail.Run(start, 3, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	store.Remove("my-trail", digests[1].Logs[0].Key) // somebody did

	cfg := verify.Config{Store: store, Keys: verifytest.Keys{"eu-west-1": {key}}, From: start, To: start.Add(3 * time.Hour)}
	v, err := verify.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := verify.NewSummary(cfg, 100)
	for item, err := range v.Run(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		sum.Add(item)
		if h := item.Hour; h != nil {
			fmt.Println(h.Account, h.Region, h.To.Format(time.TimeOnly), h.OK(), h.Logs)
		}
	}
	fmt.Println(sum.Verdict())
	// Output:
	// 123456789012 eu-west-1 10:00:00 true map[valid:2]
	// 123456789012 eu-west-1 11:00:00 false map[missing:1 valid:1]
	// 123456789012 eu-west-1 12:00:00 true map[valid:2]
	// refuted
}
