package report

import (
	"time"

	"github.com/trailbeat/trailbeat/internal/verify"
)

// The measures of the picture, in its own units.
const (
	lineLeft   = 210 // of the lines; names are before it
	lineWidth  = 720
	lineHeight = 12
	lineStep   = 18
	axisHeight = 26
	// shownLines is how many accounts and regions are drawn. Those with findings come first.
	shownLines = 120
)

// picture is the time line.
type picture struct {
	Width, Height, Left, Bottom int
	Lines                       []pictureLine
	Ticks                       []tick
	LeftOut                     int
	Legend                      []legend
}

type pictureLine struct {
	Name  string
	Y     int
	TextY int
	Boxes []box
}

type box struct {
	X, Y, Width, Height float64
	Class, Title        string
}

type tick struct {
	X    float64
	Text string
}

type legend struct{ Class, Text string }

// classes are the names of the marks in the style of the page; nothing is drawn for the first.
var classes = [...]string{"", "valid", "off", "pending", "open", "notcovered", "unchecked", "unsigned", "missing", "altered"}

var legends = []legend{
	{"valid", "valid"}, {"off", "off: signed"}, {"pending", "not due"}, {"open", "no digests"}, {"notcovered", "not covered"},
	{"unchecked", "unchecked"}, {"unsigned", "unsigned"}, {"missing", "missing"}, {"altered", "altered"},
}

func (r *Report) picture() *picture {
	p := &picture{Width: lineLeft + lineWidth + 10, Left: lineLeft, Legend: legends}
	var bad, good []*verify.PlaceSummary
	for _, place := range r.Places {
		if place.OK() {
			good = append(good, place)
		} else {
			bad = append(bad, place)
		}
	}
	list := append(bad, good...)
	if len(list) > shownLines {
		p.LeftOut, list = len(list)-shownLines, list[:shownLines]
	}
	scale := float64(lineWidth) / verify.LineParts
	part := r.To.Sub(r.From) / verify.LineParts
	for i, place := range list {
		line := pictureLine{Name: where(place.Place), Y: i * lineStep, TextY: i*lineStep + lineHeight - 2}
		for _, s := range place.Line.Stretches() {
			if s.Mark == verify.MarkNothing {
				continue
			}
			from := r.From.Add(time.Duration(s.First) * part)
			line.Boxes = append(line.Boxes, box{
				X: lineLeft + float64(s.First)*scale, Y: float64(line.Y), Width: float64(s.Parts) * scale, Height: lineHeight, Class: classes[s.Mark],
				Title: place.Account + " " + place.Region + ", " + span(from, from.Add(time.Duration(s.Parts)*part)),
			})
		}
		p.Lines = append(p.Lines, line)
	}
	p.Bottom = len(list) * lineStep
	p.Height = p.Bottom + axisHeight
	layout := time.DateOnly
	if r.To.Sub(r.From) < 4*24*time.Hour {
		layout = "01-02 15:04"
	}
	for i := range 5 {
		at := r.From.Add(time.Duration(i) * r.To.Sub(r.From) / 4)
		p.Ticks = append(p.Ticks, tick{lineLeft + float64(i)*lineWidth/4, at.Format(layout)})
	}
	return p
}
