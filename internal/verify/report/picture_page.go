package report

import (
	"fmt"
	"strconv"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// page draws the time line, and says what its colours mean.
func (p *picture) page() g.Node {
	if len(p.Lines) == 0 {
		return h.P(g.Text("There is nothing to be drawn."))
	}
	said := "Each part has the colour of the worst that was found in it."
	if p.LeftOut > 0 {
		said += fmt.Sprintf(" %d more accounts and regions are not drawn.", p.LeftOut)
	}
	return g.Group{
		h.SVG(g.Attr("viewBox", fmt.Sprintf("0 0 %d %d", p.Width, p.Height)), h.Role("img"),
			h.Aria("label", "What was found of each account and region over time"),
			g.Map(p.Lines, line), g.Group(p.ticks())),
		h.P(h.Class("legend"), g.Map(p.Legend, func(l legend) g.Node {
			return h.Span(h.SVG(g.Attr("viewBox", "0 0 10 10"), rect(l.Class, "0.5", "0.5", "9", "9")), g.Text(l.Text))
		})),
		note(said),
	}
}

// line is what was found of a place.
func line(l pictureLine) g.Node {
	return g.Group{
		g.El("text", g.Attr("x", "0"), g.Attr("y", strconv.Itoa(l.TextY)), g.Text(l.Name)),
		g.Map(l.Boxes, func(b box) g.Node {
			return rect(b.Class, fmt.Sprintf("%.2f", b.X), number(b.Y), fmt.Sprintf("%.2f", b.Width), number(b.Height), h.TitleEl(g.Text(b.Title)))
		}),
	}
}

func (p *picture) ticks() []g.Node {
	var out []g.Node
	bottom := strconv.Itoa(p.Bottom)
	for i, t := range p.Ticks {
		anchor := "middle"
		switch i {
		case 0:
			anchor = "start"
		case len(p.Ticks) - 1:
			anchor = "end"
		}
		x := number(t.X)
		out = append(out,
			g.El("line", g.Attr("x1", x), g.Attr("x2", x), g.Attr("y1", "0"), g.Attr("y2", bottom), g.Attr("stroke", "#9aa1ac"), g.Attr("stroke-width", ".5")),
			g.El("text", g.Attr("x", x), g.Attr("y", bottom), g.Attr("dy", "14"), g.Attr("text-anchor", anchor), g.Text(t.Text)),
		)
	}
	return out
}

func rect(class, x, y, width, height string, inside ...g.Node) g.Node {
	return g.El("rect", h.Class(class), g.Attr("x", x), g.Attr("y", y), h.Width(width), h.Height(height), g.Group(inside))
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
