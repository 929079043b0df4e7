//go:build !lambda.norpc

package lambdaqueue

import "errors"

// Check says whether Serve can be called: it cannot, as this program was built without it.
func Check() error {
	return errors.New("this program was built without the interface of AWS Lambda; the binaries of a release have it, and so has one that is built with " +
		"\"go build -tags lambda.norpc ./cmd/trailbeat\"")
}

// Serve must not be called where Check fails.
func (q *Queue) Serve() { panic(Check()) }
