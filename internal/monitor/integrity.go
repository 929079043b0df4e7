package monitor

import (
	"fmt"

	"github.com/trailbeat/trailbeat/internal/monitor/api"
)

// integrityProblems are those of the past. They hold up nothing.
func integrityProblems(i *api.Integrity) (list []api.Problem) {
	if i == nil {
		return nil
	}
	if i.IncompleteHours > 0 {
		p := api.Problem{
			Where: "integrity",
			Text:  fmt.Sprintf("%d hours of the past are not complete: %d events or files are missing", i.IncompleteHours, i.Missing),
			Hint:  "trailbeat audit tells what is missing, and ships it with --repair; trailbeat verify tells which files are not as CloudTrail delivered them",
		}
		for _, o := range i.Incomplete {
			if p.Since.IsZero() || o.Since.Before(p.Since) {
				p.Since = o.Since
			}
		}
		list = append(list, p)
	}
	if i.Error != "" {
		list = append(list, api.Problem{Where: "integrity", Text: "the past could not be checked: " + i.Error, Since: i.LastCheck})
	}
	return list
}
