package sqs

import (
	"errors"
	"fmt"
	"time"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// Config of the input.
type Config struct {
	// QueueURL is the queue. Required. The region is that of the URL, unless region is set.
	QueueURL string `config:"queue_url"`
	// VisibilityTimeout is how long a message stays hidden from others without a sign of life; it is extended every half of
	// it. Default 300s; must be at least 2s and at most 12h.
	VisibilityTimeout time.Duration `config:"visibility_timeout"`
	// NumberOfWorkers is how many messages are read at the same time. Default 5; must be above 0.
	NumberOfWorkers int `config:"number_of_workers"`
	// MaxNumberOfMessages is the old name of NumberOfWorkers and wins where it is set. Default 0: not set.
	MaxNumberOfMessages int `config:"max_number_of_messages"`
	// MaxMessagesInFlight is how many messages may be read or wait until their records are durable. Default and 0: 20 for
	// each worker.
	MaxMessagesInFlight int `config:"max_messages_in_flight"`
	// SQS holds the options of the queue.
	SQS SQS `config:"sqs"`
	// MissingObject says what to do about a message whose object does not exist: retry (let the queue's redrive policy
	// decide) or drop (count the object as done). Default and empty: retry.
	MissingObject string `config:"missing_object"`

	// Object says which objects are read, and how.
	Object s3object.Config `config:",inline"`
	// AWS is the block that all AWS inputs have.
	AWS aws.Config `config:",inline"`
}

// SQS holds the options of the queue.
type SQS struct {
	// WaitTime of a long poll. Default 20s; must be above 0 and at most 20s and api_timeout.
	WaitTime time.Duration `config:"wait_time"`
	// MaxReceiveCount deletes a message that cannot be understood or read when it was received so often, loudly. Faults that
	// may pass, and an output that is down, never delete one. Default -1: nothing is deleted, which wants a redrive policy.
	MaxReceiveCount int `config:"max_receive_count"`
	// ShutdownGraceTime is how long Close waits for messages to be deleted and released. Default 20s; zero: not at all.
	ShutdownGraceTime time.Duration `config:"shutdown_grace_time"`
}

// DefaultConfig gives the defaults; QueueURL has none.
func DefaultConfig() Config {
	return Config{
		VisibilityTimeout: 300 * time.Second,
		NumberOfWorkers:   5,
		SQS:               SQS{WaitTime: 20 * time.Second, MaxReceiveCount: -1, ShutdownGraceTime: 20 * time.Second},
		MissingObject:     "retry",
		Object:            s3object.DefaultConfig(),
		AWS:               aws.DefaultConfig(),
	}
}

// maxHold is how long SQS lets a message be held, all extensions together.
const maxHold = 12 * time.Hour

// Validate joins all that is wrong.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.QueueURL == "" {
		bad("queue_url: is missing")
	} else if _, err := aws.ParseQueueURL(c.QueueURL); err != nil {
		bad("queue_url: %w", err)
	}
	if c.VisibilityTimeout < 2*time.Second || c.VisibilityTimeout > maxHold {
		bad("visibility_timeout: must be 2s to 12h, is %s", c.VisibilityTimeout)
	}
	if c.NumberOfWorkers <= 0 {
		bad("number_of_workers: must be > 0, is %d", c.NumberOfWorkers)
	}
	if c.MaxNumberOfMessages < 0 {
		bad("max_number_of_messages: must be >= 0 (0: number_of_workers says it), is %d", c.MaxNumberOfMessages)
	}
	if c.MaxMessagesInFlight < 0 {
		bad("max_messages_in_flight: must be >= 0 (0: 20 for each worker), is %d", c.MaxMessagesInFlight)
	} else if n := c.MaxMessagesInFlight; n > 0 && n < c.workers() {
		bad("max_messages_in_flight: must not be below number_of_workers (%d), is %d", c.workers(), n)
	}
	switch w := c.SQS.WaitTime; {
	case w <= 0 || w > 20*time.Second:
		bad("sqs.wait_time: must be > 0 and at most 20s, is %s", w)
	case w > c.AWS.APITimeout && c.AWS.APITimeout > 0:
		bad("sqs.wait_time: must not be above api_timeout (%s), is %s", c.AWS.APITimeout, w)
	}
	if n := c.SQS.MaxReceiveCount; n == 0 || n < -1 {
		bad("sqs.max_receive_count: must be > 0, or -1 to delete nothing, is %d", n)
	}
	if c.SQS.ShutdownGraceTime < 0 {
		bad("sqs.shutdown_grace_time: must be >= 0, is %s", c.SQS.ShutdownGraceTime)
	}
	if m := c.MissingObject; m != "" && m != "retry" && m != "drop" {
		bad("missing_object: must be retry or drop, is %q", m)
	}
	errs = append(errs, c.Object.Validate(), c.AWS.Validate())
	return errors.Join(errs...)
}

func (c Config) workers() int {
	if c.MaxNumberOfMessages > 0 {
		return c.MaxNumberOfMessages
	}
	return c.NumberOfWorkers
}

func (c Config) inFlight() int {
	if c.MaxMessagesInFlight > 0 {
		return c.MaxMessagesInFlight
	}
	return 20 * c.workers()
}
