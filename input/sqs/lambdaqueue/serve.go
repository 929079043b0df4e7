//go:build lambda.norpc

package lambdaqueue

import "github.com/aws/aws-lambda-go/lambda"

// Check says whether Serve can be called: here it can.
func Check() error { return nil }

// Serve takes the calls of AWS Lambda, one after the other, for as long as the process lives: Lambda ends it, and so does an error
// of Lambda's own interface. AWS_LAMBDA_RUNTIME_API must be set.
func (q *Queue) Serve() { lambda.StartWithOptions(q.Invoke) }
