package report

import (
	"crypto/sha256"
	_ "embed" // the style of the page
	"encoding/hex"
	"io"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/trailbeat/trailbeat/internal/verify"
)

//go:embed page.css
var pageStyle string

// HTML writes the report as one page that needs nothing else: it can be printed, signed and kept. The page is put together by
// functions, which escape all text, and not by a template: templates call methods by name, and with them in the program the linker keeps
// every method of every type.
func (r *Report) HTML(w io.Writer) error {
	data, err := r.JSON()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	verdict := verdictText[r.Verdict]
	if r.Error != "" {
		verdict += " It ended early: " + r.Error
	}
	return h.Doctype(h.HTML(h.Lang("en"),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			h.Meta(g.Attr("http-equiv", "Content-Security-Policy"), h.Content("default-src 'none'; style-src 'unsafe-inline'")),
			h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.TitleEl(g.Text("CloudTrail verification: "+string(r.Verdict)+": "+r.Source)),
			h.StyleEl(g.Raw(pageStyle)),
		),
		h.Body(
			h.H1(g.Text("Verification of CloudTrail files")),
			note("By the digest files that CloudTrail signs every hour."),
			h.P(h.Class("verdict "+string(r.Verdict)), g.Text(verdict)),
			r.pageFacts(hex.EncodeToString(sum[:])),
			r.pageResult(),
			h.H2(g.Text("Time line")), r.picture().page(),
			h.H2(g.Text("Findings")), r.pageFindings(),
			h.H2(g.Text("Time without digests")), r.pageGaps(),
			g.Iff(len(r.Faults) > 0, r.pageFaults),
			h.H2(g.Text("Accounts and regions")), r.pagePlaces(),
			h.H2(g.Text("Signed off")), r.pageSigned(),
		),
	)).Render(w)
}

func note(text string) g.Node { return h.P(h.Class("note"), g.Text(text)) }

// key is text that is no language, such as an address.
func key(text string) g.Node { return h.Span(h.Class("key"), g.Text(text)) }

// fact is a row of a table of facts.
func fact(title string, what ...g.Node) g.Node {
	return h.Tr(h.Th(g.Text(title)), h.Td(what...))
}

func (r *Report) pageFacts(sum string) g.Node {
	by := g.Group{}
	if r.SignedBy != "" {
		by = append(by, g.Text(r.SignedBy+", as "))
	}
	by = append(by, g.Text(r.User+" on "+r.Host))
	if r.Identity != "" {
		by = append(by, g.Text("; on AWS "), key(r.Identity))
	}
	keys := g.Group{g.Text(r.KeySource)}
	for _, k := range r.Keys {
		keys = append(keys, h.Br(), key(k.Fingerprint))
		if !k.From.IsZero() {
			keys = append(keys, g.Text(" ("+k.From.UTC().Format(time.DateOnly)+" to "+k.To.UTC().Format(time.DateOnly)+")"))
		}
	}
	return h.Table(h.Class("facts"),
		fact("Files", h.Class("key"), g.Text(r.Source)),
		fact("Time of delivery (UTC)", g.Text(span(r.From, r.To))),
		fact("Carried out (UTC)", g.Text(span(r.Started, r.Finished))),
		fact("By", by),
		fact("With", g.Text("Trailbeat "+r.Version)),
		fact("Public keys", keys),
		fact("SHA-256 of the result as JSON", h.Class("key"), g.Text(sum)),
	)
}

func (r *Report) pageResult() g.Node {
	return g.Group{h.H2(g.Text("Result")), h.Table(h.Class("facts"),
		fact("Digest files", g.Text(counts(r.Digests))),
		fact("Log files", g.Text(counts(r.Logs)+"; "+thousands(r.Bytes)+" bytes, uncompressed")),
		fact("Digests with all their files valid", g.Text(thousands(r.HoursOK)+" of "+thousands(r.Hours))),
		fact("Accounts and regions", g.Textf("%d", len(r.Places))),
	)}
}

// listed is a table of rows with titles, and how many more there are; or says that there is none.
func listed(class string, titles []string, rows g.Group, leftOut int64) g.Node {
	if len(rows) == 0 {
		return h.P(g.Text("None."))
	}
	return g.Group{
		h.Table(
			g.If(class != "", h.Class(class)),
			h.THead(h.Tr(g.Map(titles, func(title string) g.Node { return h.Th(g.Text(title)) }))), h.TBody(rows),
		),
		andMore(leftOut),
	}
}

func andMore(n int64) g.Node {
	return g.If(n > 0, h.P(g.Text("and "+thousands(n)+" more.")))
}

func (r *Report) pageFindings() g.Node {
	rows := g.Map(r.Findings, func(f verify.File) g.Node {
		why := reasonText[f.Reason]
		if f.Detail != "" {
			why += ": " + f.Detail
		}
		return h.Tr(
			h.Td(g.Text(resultText[f.Result])),
			h.Td(g.Text(kindText[f.Kind]+", "+where(f.Place)+", "+span(f.From, f.To)), h.Br(), key(address(f))),
			h.Td(g.Text(why)),
		)
	})
	return listed("findings", []string{"Result", "File", "Why"}, rows, r.FindingsLeftOut)
}

func (r *Report) pageGaps() g.Node {
	rows := g.Map(r.Gaps, func(gap verify.Gap) g.Node {
		place := where(gap.Place)
		if gap.Trail != "" {
			place += ", " + gap.Trail
		}
		return h.Tr(h.Td(g.Text(place)), h.Td(g.Text(span(gap.From, gap.To))), h.Td(g.Text(gapText[gap.Kind])))
	})
	return listed("", []string{"Account and region", "From, to (UTC)", "What it is"}, rows, r.GapsLeftOut)
}

func (r *Report) pageFaults() g.Node {
	rows := g.Map(r.Faults, func(f verify.FaultText) g.Node {
		return h.Tr(h.Td(g.Text(where(f.Place))), h.Td(g.Text(f.Error)))
	})
	return g.Group{h.H2(g.Text("What could not be listed")), h.Table(h.TBody(rows)), andMore(r.FaultsLeftOut)}
}

func (r *Report) pagePlaces() g.Node {
	rows := g.Map(r.Places, func(p *verify.PlaceSummary) g.Node {
		return h.Tr(
			h.Td(g.Text(where(p.Place))), h.Td(g.Text(counts(p.Digests))), h.Td(g.Text(counts(p.Logs))),
			h.Td(h.Class("num"), g.Text(thousands(p.Bytes))),
		)
	})
	return h.Table(
		h.THead(h.Tr(h.Th(g.Text("Account and region")), h.Th(g.Text("Digests")), h.Th(g.Text("Log files")), h.Th(h.Class("num"), g.Text("Bytes")))),
		h.TBody(rows),
	)
}

func (r *Report) pageSigned() g.Node {
	carriedOut := "Carried out: name, date, signature"
	if r.SignedBy != "" {
		carriedOut += " (" + r.SignedBy + ")"
	}
	return g.Group{
		note("Valid: the SHA-256 of the content is the one in a digest, whose signature (SHA256withRSA) fits a public key of CloudTrail. " +
			"Missing: a digest that is proven names the file. Not covered: no digest that is proven names the file. " +
			"That nothing was delivered after the last digest of an account and region is not signed by anybody."),
		h.Div(h.Class("sign"), h.Div(h.P(g.Text(carriedOut))), h.Div(h.P(g.Text("Reviewed: name, date, signature")))),
	}
}
