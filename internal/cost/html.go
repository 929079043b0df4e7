package cost

import (
	_ "embed" // the style of the page
	"fmt"
	"io"
	"strconv"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/trailbeat/trailbeat/internal/terminal"
)

//go:embed report.css
var pageStyle string

// WriteHTML prints a Report as a page that needs nothing beside itself: no script, no font, no picture from elsewhere. The page is
// put together by functions, which escape all text, and not by a template: templates call methods by name, and with them in the program the
// linker keeps every method of every type.
func (r *Report) WriteHTML(w io.Writer) error {
	return h.Doctype(h.HTML(h.Lang("en"),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.Meta(g.Attr("http-equiv", "Content-Security-Policy"), h.Content("default-src 'none'; style-src 'unsafe-inline'")),
			h.TitleEl(g.Text("What this trail costs")),
			h.StyleEl(g.Raw(pageStyle)),
		),
		h.Body(
			h.H1(g.Text("What this trail costs")),
			r.pageHead(),
			g.Map(r.Tables, r.pageTable),
			g.Iff(len(r.Rules) > 0, r.pageRules),
			g.Iff(r.Own != nil, r.pageOwn),
			h.H2(g.Text("How to read this")),
			h.Ul(g.Map(r.Notes, func(note string) g.Node { return h.Li(g.Text(note)) })),
		),
	)).Render(w)
}

func (r *Report) pageHead() g.Node {
	i := &r.Sample
	text := fmt.Sprintf(" events in %s objects: %s of records, %s of documents.", Thousands(i.Objects), size(i.Raw), size(i.Document))
	if i.First != "" {
		text += fmt.Sprintf(" From %s to %s; the sample stands for %s (%s).", i.First, i.Last, terminal.Duration(seconds(i.SpanSeconds)), spanFrom(i.SpanFrom))
	}
	head := g.Group{h.P(h.Strong(g.Text(Thousands(i.Events))), g.Text(text))}
	if r.Day == nil {
		return head
	}
	columns := []string{"extrapolated", "events", "records", "documents"}
	if r.Price != nil {
		columns = append(columns, fmt.Sprintf("at %v for each GB of %s", r.Price.PerGB, r.Price.Of))
	}
	row := func(title string, rate *Rate) g.Node {
		cells := []string{title, terminal.Count(rate.Events), terminal.Bytes(rate.Raw), terminal.Bytes(rate.Document)}
		if rate.Price != nil {
			cells = append(cells, Money(*rate.Price))
		}
		return h.Tr(texts(h.Td, cells...))
	}
	return append(head, pageTable("", columns, row("a day", r.Day), row("a month of 30 days", r.Month)))
}

// pageTable is a table of rows below titles.
func pageTable(class string, columns []string, rows ...g.Node) g.Node {
	return h.Table(g.If(class != "", h.Class(class)), h.THead(h.Tr(texts(h.Th, columns...))), h.TBody(rows...))
}

// texts are cells of plain text.
func texts(cell func(...g.Node) g.Node, values ...string) g.Group {
	return g.Map(values, func(value string) g.Node { return cell(g.Text(value)) })
}

// columnTitles are those of all tables of shares, behind that of the first column.
func (r *Report) columnTitles(first string) []string {
	columns := []string{first, "share of the documents' bytes", "", "events", "records", "documents"}
	if r.Month != nil {
		columns = append(columns, "documents a month")
	}
	if r.Price != nil {
		columns = append(columns, "price a month")
	}
	return columns
}

// shares are the cells of an amount, of which share is drawn as a bar.
func shares(share float64, a Amount) g.Group {
	value := fmt.Sprintf("%.1f %%", 100*share)
	track := func(class, width string) g.Node {
		return g.El("rect", h.Class(class), h.Width(width), h.Height("12"), g.Attr("rx", "2"))
	}
	bar := h.SVG(h.Width("300"), h.Height("12"), h.Role("img"), h.Aria("label", value),
		track("track", "300"), track("fill", fmt.Sprintf("%.1f", 300*min(1, max(0, share)))))
	return g.Group{h.Td(bar), texts(h.Td, value, Thousands(a.Events), size(a.Raw), size(a.Document))}
}

// month are the cells of what comes in a month; empty ones where rate is nil.
func (r *Report) month(rate *Rate) g.Group {
	var cells []string
	if r.Month != nil {
		bytes := ""
		if rate != nil {
			bytes = terminal.Bytes(rate.Document)
		}
		cells = append(cells, bytes)
	}
	if r.Price != nil {
		price := ""
		if rate != nil && rate.Price != nil {
			price = Money(*rate.Price)
		}
		cells = append(cells, price)
	}
	return texts(h.Td, cells...)
}

// part is the share of an amount in all documents' bytes.
func (r *Report) part(a Amount) float64 {
	return float64(a.Document) / float64(max(1, r.Sample.Document))
}

func (r *Report) pageTable(t Table) g.Node {
	rows := g.Map(t.Rows, func(row Row) g.Node {
		return h.Tr(h.Td(g.Text(row.Key)), shares(row.Share, row.Amount), r.month(row.Month))
	})
	rest := func(title string, a Amount) {
		if a.Events != 0 {
			rows = append(rows, h.Tr(h.Class("soft"), h.Td(g.Text(title)), shares(r.part(a), a)))
		}
	}
	rest("("+strconv.Itoa(t.Keys-len(t.Rows))+" more)", t.More)
	rest("(others)", t.Others)
	return g.Group{h.H2(g.Text("By " + t.Title)), pageTable("", r.columnTitles(t.Title), rows...)}
}

func (r *Report) pageRules() g.Node {
	rows := g.Map(r.Rules, func(f Finding) g.Node {
		return h.Tr(
			h.Td(h.Strong(g.Text(f.ID)), g.Text(": "+f.Title+"."), h.Br(), h.Span(h.Class("soft"), g.Text("Gone: "+f.Loses+"."))),
			shares(f.Share, f.Alone), r.month(f.Month),
		)
	})
	if all := r.Together; all != nil {
		rows = append(rows, h.Tr(h.Td(g.Text("all of them, each event once")), shares(all.Share, all.Alone), r.month(all.Month)))
	}
	return g.Group{h.H2(g.Text("What rules would save")), pageTable("save", r.columnTitles("rule"), rows...), h.Pre(g.Text(r.YAML))}
}

func (r *Report) pageOwn() g.Node {
	var rows g.Group
	for _, rule := range r.Own.Rules {
		if rule.Dropped.Events != 0 {
			rows = append(rows, h.Tr(h.Td(g.Text(rule.ID)), shares(r.part(rule.Dropped), rule.Dropped)))
		}
	}
	rows = append(rows, h.Tr(h.Td(g.Text("all, with what processors take out of documents")), shares(r.Own.Share, r.Own.Saved)))
	return g.Group{
		h.H2(g.Text("What one's own rules save")),
		pageTable("save", []string{"rule", "share of the documents' bytes", "", "events", "records", "documents"}, rows...),
	}
}
