package awstest

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type queue struct {
	messages []*message
	next     int
	deleted  []string
	// visibility timeout of the queue
	timeout time.Duration
}

type message struct {
	id, body, handle string
	sent, first      time.Time
	visible          time.Time
	receives         int
}

// Send puts a message into a queue, which is made where it is absent. It gives the message's id.
func (s *Server) Send(name, body string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.init()
	q := s.queues[name]
	if q == nil {
		q = &queue{timeout: 30 * time.Second}
		s.queues[name] = q
	}
	q.next++
	m := &message{id: fmt.Sprintf("%s-%d", name, q.next), body: body, sent: time.Now()}
	q.messages = append(q.messages, m)
	s.wake()
	return m.id
}

// Restart makes the messages in flight visible again, as time does after a crash.
func (s *Server) Restart(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[name]; q != nil {
		for _, m := range q.messages {
			m.visible = time.Time{}
			m.handle = ""
		}
	}
	s.wake()
}

// Left gives the bodies of the messages that are not deleted, in the order of their sending.
func (s *Server) Left(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []string{}
	if q := s.queues[name]; q != nil {
		for _, m := range q.messages {
			list = append(list, m.body)
		}
	}
	return list
}

// Visible is the number of messages that a receive would find now.
func (s *Server) Visible(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	if q := s.queues[name]; q != nil {
		for _, m := range q.messages {
			if !m.visible.After(time.Now()) {
				n++
			}
		}
	}
	return n
}

func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) queueCall(w http.ResponseWriter, r *http.Request, call string, body []byte) {
	var in struct {
		QueueUrl, ReceiptHandle                                 string
		MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout int
		Entries                                                 []struct{ Id, MessageBody string }
	}
	_ = json.Unmarshal(body, &in)
	name := in.QueueUrl[strings.LastIndexByte(in.QueueUrl, '/')+1:]
	s.mu.Lock()
	q := s.queues[name]
	s.mu.Unlock()
	if q == nil {
		fail(w, r, http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist.")
		return
	}
	switch call {
	case "ReceiveMessage":
		reply(w, map[string]any{"Messages": s.receive(r, q, in.MaxNumberOfMessages, in.WaitTimeSeconds, in.VisibilityTimeout)})
	case "SendMessageBatch":
		size, sent := 0, []map[string]any{}
		for _, e := range in.Entries {
			size += len(e.MessageBody)
		}
		if size > 256<<10 || len(in.Entries) > 10 {
			fail(w, r, http.StatusBadRequest, "BatchRequestTooLong", "Batch requests cannot be longer than 262144 bytes.")
			return
		}
		for _, e := range in.Entries {
			sum := md5.Sum([]byte(e.MessageBody))
			sent = append(sent, map[string]any{"Id": e.Id, "MessageId": s.Send(name, e.MessageBody), "MD5OfMessageBody": hex.EncodeToString(sum[:])})
		}
		reply(w, map[string]any{"Successful": sent})
	case "DeleteMessage":
		s.mu.Lock()
		defer s.mu.Unlock()
		if i := s.find(q, in.ReceiptHandle); i >= 0 {
			q.deleted = append(q.deleted, q.messages[i].body)
			q.messages = slices.Delete(q.messages, i, i+1)
		}
		reply(w, map[string]any{})
	case "ChangeMessageVisibility":
		s.mu.Lock()
		defer s.mu.Unlock()
		i := s.find(q, in.ReceiptHandle)
		if i < 0 {
			fail(w, r, http.StatusBadRequest, "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
			return
		}
		q.messages[i].visible = time.Now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
		s.wake()
		reply(w, map[string]any{})
	case "GetQueueAttributes":
		s.mu.Lock()
		defer s.mu.Unlock()
		reply(w, map[string]any{"Attributes": map[string]string{
			"ApproximateNumberOfMessages": strconv.Itoa(len(q.messages)), "VisibilityTimeout": "30",
			"QueueArn": "arn:aws:sqs:us-east-1:123456789012:" + name,
		}})
	default:
		fail(w, r, http.StatusBadRequest, "InvalidAction", call)
	}
}

// find gives the message with a handle. Handles of earlier receives are unknown.
func (s *Server) find(q *queue, handle string) int {
	return slices.IndexFunc(q.messages, func(m *message) bool { return m.handle == handle && handle != "" })
}

func (s *Server) receive(r *http.Request, q *queue, most, wait, timeout int) []map[string]any {
	deadline := time.Now().Add(time.Duration(wait) * time.Second)
	for {
		s.mu.Lock()
		if r.Context().Err() != nil { // nobody would get them
			s.mu.Unlock()
			return nil
		}
		found := []map[string]any{}
		var soonest time.Time
		for _, m := range q.messages {
			if now := time.Now(); m.visible.After(now) {
				if soonest.IsZero() || m.visible.Before(soonest) {
					soonest = m.visible
				}
				continue
			} else if len(found) < most {
				if m.first.IsZero() {
					m.first = now
				}
				m.receives++
				m.handle = fmt.Sprintf("%s#%d", m.id, m.receives)
				m.visible = now.Add(time.Duration(timeout) * time.Second)
				sum := md5.Sum([]byte(m.body))
				found = append(found, map[string]any{
					"MessageId": m.id, "ReceiptHandle": m.handle, "Body": m.body, "MD5OfBody": hex.EncodeToString(sum[:]),
					"Attributes": map[string]string{
						"ApproximateReceiveCount": strconv.Itoa(m.receives), "SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10),
						"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
					},
				})
			}
		}
		changed := s.changed
		s.mu.Unlock()
		if len(found) > 0 || !time.Now().Before(deadline) {
			return found
		}
		until := deadline
		if !soonest.IsZero() && soonest.Before(until) {
			until = soonest
		}
		timer := time.NewTimer(time.Until(until))
		select {
		case <-changed:
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(v)
}
