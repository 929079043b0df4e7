// Package lambdaqueue lets the input of a queue read what AWS Lambda calls a function with.
//
// An event source mapping receives the messages of a queue, calls the function with some of them, and deletes those that the
// answer does not name as failed (ReportBatchItemFailures). So the function neither receives nor deletes: Queue takes the place
// of the queue, and an invocation ends when each of its messages is settled, which is when all its records are durable. Nothing
// is under way between two invocations, when Lambda freezes the process.
//
// Serve is there only where the program is built with the tag lambda.norpc, as AWS advises for the runtimes of today. Without that tag AWS's
// library brings the interface of a runtime that is gone, which is net/rpc; and with net/rpc, which calls methods by name, the linker
// keeps every exported method of every type: a third of the program, for each run of it.
package lambdaqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Queue is fed by invocations and read by an input as its sqs.Deps.Queue. Its methods may be called from several goroutines. Make
// it with New.
type Queue struct {
	mu      sync.Mutex
	arrived chan struct{} // closed when messages arrive
	waiting []types.Message
	open    map[string]*invocation // by receipt handle
	calls   int
}

// New makes a queue without messages.
func New() *Queue {
	return &Queue{arrived: make(chan struct{}), open: make(map[string]*invocation)}
}

// invocation is a call of the function, until its messages are settled.
type invocation struct {
	ids    map[string]string // message id by receipt handle, of those that are not settled
	failed map[string]error  // by message id
	done   chan struct{}
}

// reserve is the part of an invocation's time that is kept for its answer: a function that is out of time is killed, and then all
// of its messages come again, those that are done as well.
const reserve = 5 * time.Second

// Invoke handles one call. The answer to messages of a queue names those that failed; they come again. For any other event - a
// notification of S3, SNS or EventBridge that calls the function directly - it is an error where something failed, which makes
// Lambda call again.
func (q *Queue) Invoke(ctx context.Context, event json.RawMessage) (json.RawMessage, error) {
	messages, direct, err := messagesOf(event)
	if err != nil {
		return nil, err
	}
	call := q.put(messages)
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, max(left-reserve, left/2))
		defer cancel()
	}
	select {
	case <-call.done:
	case <-ctx.Done():
		q.withdraw(call)
	}
	return q.answer(messages, call, direct)
}

// put queues the messages of a call.
func (q *Queue) put(messages []types.Message) *invocation {
	q.mu.Lock()
	defer q.mu.Unlock()
	call := &invocation{ids: make(map[string]string), failed: make(map[string]error), done: make(chan struct{})}
	q.calls++
	for i := range messages {
		// A handle of our own, as those of a test event may repeat.
		handle := fmt.Sprintf("%d/%d", q.calls, i)
		messages[i].ReceiptHandle = &handle
		call.ids[handle] = *messages[i].MessageId
		q.open[handle] = call
	}
	q.waiting = append(q.waiting, messages...)
	if len(messages) == 0 {
		close(call.done)
	}
	close(q.arrived)
	q.arrived = make(chan struct{})
	return call
}

var errTime = errors.New("the time of the function was over before its records were durable; give it more time, or fewer messages with BatchSize")

// withdraw gives up what is not settled. What the input has of it goes on: it is delivered twice then, and indexed once.
func (q *Queue) withdraw(call *invocation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	rest := q.waiting[:0]
	for _, m := range q.waiting {
		if _, mine := call.ids[*m.ReceiptHandle]; !mine {
			rest = append(rest, m)
		}
	}
	clear(q.waiting[len(rest):])
	q.waiting = rest
	for handle, id := range call.ids {
		call.failed[id] = errTime
		delete(q.open, handle)
	}
	clear(call.ids)
}

// Settled takes what became of a receive; it is meant for sqs.Deps.Settled.
func (q *Queue) Settled(handle string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	call := q.open[handle]
	if call == nil {
		return
	}
	delete(q.open, handle)
	if err != nil {
		call.failed[call.ids[handle]] = err
	}
	delete(call.ids, handle)
	if len(call.ids) == 0 {
		close(call.done)
	}
}

// answer is what Lambda wants to know.
func (q *Queue) answer(messages []types.Message, call *invocation, direct bool) (json.RawMessage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if direct {
		var errs []error
		for _, err := range call.failed {
			errs = append(errs, err)
		}
		return json.RawMessage("null"), errors.Join(errs...)
	}
	type item struct {
		ID string `json:"itemIdentifier"`
	}
	answer := struct {
		Failures []item `json:"batchItemFailures"`
	}{[]item{}}
	told := make(map[string]bool)
	for _, m := range messages {
		if id := *m.MessageId; call.failed[id] != nil && !told[id] {
			told[id] = true
			answer.Failures = append(answer.Failures, item{id})
		}
	}
	return json.Marshal(answer)
}

// record is what the events of the services have in common that deliver in lists.
type record struct {
	EventSource string            `json:"eventSource"` // SNS writes EventSource, which is the same to encoding/json
	MessageID   string            `json:"messageId"`
	Body        string            `json:"body"`
	Attributes  map[string]string `json:"attributes"`
	SNS         struct {
		MessageID string `json:"MessageId"`
		Message   string `json:"Message"`
	} `json:"Sns"`
}

// messagesOf finds the messages in an event. direct says that none of them comes from a queue.
func messagesOf(event json.RawMessage) (messages []types.Message, direct bool, err error) {
	var e struct {
		Records []json.RawMessage `json:"Records"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, false, fmt.Errorf("reading the event of the function: %w", err)
	}
	for i, raw := range e.Records {
		var r record
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, false, fmt.Errorf("reading record %d of the event of the function: %w", i, err)
		}
		switch r.EventSource {
		case "aws:sqs":
			if r.MessageID == "" {
				return nil, false, fmt.Errorf("record %d of the event of the function has no messageId", i)
			}
			messages = append(messages, types.Message{MessageId: &r.MessageID, Body: &r.Body, Attributes: r.Attributes})
		case "aws:sns":
			messages, direct = append(messages, types.Message{MessageId: &r.SNS.MessageID, Body: &r.SNS.Message}), true
		default: // what S3 sends, for one: the whole is one message that the input understands, or refuses with a reason
			return whole(event), true, nil
		}
	}
	if len(e.Records) == 0 && strings.TrimSpace(string(event)) != "{}" {
		return whole(event), true, nil
	}
	return messages, direct, nil
}

func whole(event json.RawMessage) []types.Message {
	return []types.Message{{MessageId: awssdk.String("event"), Body: awssdk.String(string(event))}}
}

// ReceiveMessage waits for messages as a long poll does.
func (q *Queue) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	timer := time.NewTimer(time.Duration(in.WaitTimeSeconds) * time.Second)
	defer timer.Stop()
	for {
		q.mu.Lock()
		arrived := q.arrived
		if n := min(len(q.waiting), int(in.MaxNumberOfMessages)); n > 0 {
			out := &sqs.ReceiveMessageOutput{Messages: append([]types.Message(nil), q.waiting[:n]...)}
			clear(q.waiting[:n])
			q.waiting = q.waiting[n:]
			q.mu.Unlock()
			return out, nil
		}
		q.mu.Unlock()
		select {
		case <-arrived:
		case <-timer.C:
			return new(sqs.ReceiveMessageOutput), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// DeleteMessage does nothing: the event source mapping deletes what did not fail.
func (q *Queue) DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	return new(sqs.DeleteMessageOutput), nil
}

// ChangeMessageVisibility does nothing: the queue's own visibility timeout applies, which must be longer than the function may
// run; AWS advises six times as long.
func (q *Queue) ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	return new(sqs.ChangeMessageVisibilityOutput), nil
}

// GetQueueAttributes knows none.
func (q *Queue) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return new(sqs.GetQueueAttributesOutput), nil
}
