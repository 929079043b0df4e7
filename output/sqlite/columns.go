package sqlite

import (
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// textColumns is the number of texts in a row of event_columns, category among them.
const textColumns = 21

// row stores one event. It belongs to a connection and is used again, as it knows what is bound.
type row struct {
	texts [textColumns]string
	bound [textColumns]bool // false: null is bound
	hadID bool
}

// The order of the columns that are bound: seq, data_stream, the texts, read_only.
const (
	firstText      = 3
	readOnlyColumn = firstText + textColumns
)

// insert stores ev, and says whether it was new. All texts of a row are copied into the arena together, so they lie side by side
// in the cache of the processor, and no more memory is used than the largest row takes.
func (r *row) insert(c *conn, stream int64, ev *ecs.Event, document []byte) (stored bool, err error) {
	r.read(ev)
	size := len(ev.Meta.ID) + len(document)
	for _, s := range r.texts {
		size += len(s)
	}
	if err := c.text.reset(size); err != nil {
		return false, err
	}
	if err := r.insertDocument(c, stream, ev.Meta.ID, document); err != nil {
		return false, err
	}
	if c.changes() == 0 {
		return false, nil
	}
	return true, r.insertColumns(c, stream, ev)
}

func (r *row) insertDocument(c *conn, stream int64, id string, document []byte) error {
	s := c.document
	if err := s.bindInt(1, stream); err != nil {
		return err
	}
	if id != "" {
		if err := s.bindText(2, add(&c.text, id), len(id)); err != nil {
			return err
		}
	} else if r.hadID {
		if err := s.bindNull(2); err != nil {
			return err
		}
	}
	r.hadID = id != ""
	if err := s.bindText(3, add(&c.text, document), len(document)); err != nil {
		return err
	}
	return s.run()
}

func (r *row) insertColumns(c *conn, stream int64, ev *ecs.Event) error {
	s := c.columns
	if err := s.bindInt(1, c.lastRow()); err != nil {
		return err
	}
	if err := s.bindInt(2, stream); err != nil {
		return err
	}
	for i, text := range r.texts {
		var err error
		if text != "" {
			err = s.bindText(firstText+i, add(&c.text, text), len(text))
		} else if r.bound[i] {
			err = s.bindNull(firstText + i)
		}
		if err != nil {
			return err
		}
		r.bound[i] = text != ""
	}
	var err error
	switch ev.AWS.CloudTrail.ReadOnly {
	case ecs.True:
		err = s.bindInt(readOnlyColumn, 1)
	case ecs.False:
		err = s.bindInt(readOnlyColumn, 0)
	default:
		err = s.bindNull(readOnlyColumn)
	}
	if err != nil {
		return err
	}
	return s.run()
}

// read takes the texts of an event, in the order of insertColumns. They are good only until its Write has returned.
func (r *row) read(ev *ecs.Event) {
	trail, identity := &ev.AWS.CloudTrail, &ev.AWS.CloudTrail.UserIdentity
	address := ev.Source.Address
	if address == ev.Source.IP {
		address = ""
	}
	r.texts = [...]string{
		ev.Timestamp, ev.Event.Action, ev.Event.Provider, strings.Join(ev.Event.Category, ","), ev.Event.Outcome,
		actor(ev), ev.User.Name, ev.User.ID, identity.Type, identity.ARN,
		ev.Source.IP, address, ev.Source.Geo.CountryISOCode, ev.Source.Geo.CityName,
		ev.Cloud.Account.ID, ev.Cloud.Region, trail.RecipientAccountID,
		trail.ErrorCode, trail.ErrorMessage, ev.UserAgent.Original, ev.Event.ID,
	}
}

// actor names who acted where that was no user: the AWS service, else whatever tells callers apart.
func actor(ev *ecs.Event) string {
	if ev.User.Name != "" {
		return ""
	}
	identity := &ev.AWS.CloudTrail.UserIdentity
	for _, s := range [...]string{ev.Service.Name, ev.User.ID, identity.ARN, identity.InvokedBy, identity.Type} {
		if s != "" {
			return s
		}
	}
	return ""
}
