package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/terminal"
	"github.com/trailbeat/trailbeat/internal/verify"
	"github.com/trailbeat/trailbeat/internal/verify/report"
)

// Exit codes of verify, besides those of all commands.
const (
	exitRefuted    = 3
	exitIncomplete = 4
)

const verifyHelp = `Verify proves that the files of a trail are those that CloudTrail delivered, all of them and unchanged, by the digest files
that CloudTrail signs every hour (log file validation must be on). It looks at the signature of every digest, at the chain from digest to
digest, at the SHA-256 of every log file, and at the log files that no digest names.

It reads a bucket (s3://BUCKET/PREFIX), a folder of downloaded files, or, without an argument, the bucket of a configured input. Credentials
for a bucket come from the environment, or from options: -E trailbeat.inputs.0.credential_profile_name=audit. Public keys come from
CloudTrail, or from a file.

Exit codes: 0 every file is valid; 3 files are missing, altered or unsigned; 4 none of that, but not everything is proven: log files that
no digest names, or no digests up to the end of the range; 1 files could not be read; 2 wrong usage.`

// verifyFlags are those of the command.
type verifyFlags struct {
	timeRange
	accounts, regions, organizations []string
	input, publicKeys, saveKeys      string
	original                         string
	workers, most                    int
	mayEnd                           bool
	report, signedBy, results        string
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [s3://BUCKET[/PREFIX] | FOLDER]",
		Short: "Prove that log files are complete and unaltered",
		Long:  verifyHelp,
		Example: `  trailbeat verify s3://my-trail --from 2026-01-01 --to 2026-03-31
  trailbeat verify s3://my-trail/prefix --from 30d --accounts 123456789012 --report verification.html --signed-by "A. Auditor"
  trailbeat verify ./downloaded --public-keys keys.json --from 2026-01-01 --to 2026-01-31 -o json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(fmt.Errorf("%q takes one bucket or folder, but got %d\nSee \"%s --help\"", cmd.CommandPath(), len(args), cmd.CommandPath()))
			}
			return nil
		},
	}
	flags := cmd.Flags()
	f.timeRange.flags(cmd, "7d", "it is the time of delivery that counts", "default: now")
	flags.StringSliceVar(&f.accounts, "accounts", nil, "`ACCOUNTS` to verify, with commas or repeated (default: all)")
	flags.StringSliceVar(&f.regions, "regions", nil, "`REGIONS` to verify, with commas or repeated (default: all)")
	flags.StringSliceVar(&f.organizations, "organization", nil, "`ID` of an organization, of whose trail the files are; repeatable (default: all)")
	flags.StringVar(&f.input, "input", "", "`ID` of the configured input whose bucket is verified, or whose credentials ask for the public keys of a folder (default: the only one)")
	flags.StringVar(&f.publicKeys, "public-keys", "", "`FILE` with public keys, as `aws cloudtrail list-public-keys` prints them (default: CloudTrail is asked)")
	flags.StringVar(&f.saveKeys, "save-public-keys", "", "`FILE` to write the public keys to that CloudTrail gave")
	flags.StringVar(&f.original, "original-bucket", "", "`NAME` of the bucket that CloudTrail delivers to, where a copy of it or an access point is read")
	flags.IntVar(&f.workers, "workers", 16, "`NUMBER` of files that are read at the same time")
	flags.BoolVar(&f.mayEnd, "may-end", false, "take it for well where the digests of an account and region end before the range does")
	flags.StringVar(&f.report, "report", "", "`FILE` to write a page of HTML to, for printing and signing")
	flags.StringVar(&f.signedBy, "signed-by", "", "`NAME` of who answers for the report")
	flags.StringVar(&f.results, "results", "", "`FILE` to write the result of every file and digest to, one JSON object a line (-: standard output)")
	flags.IntVar(&f.most, "max-findings", 1000, "`NUMBER` of findings that are shown and reported; --results has all")
	a.progressFlags(cmd)
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), f, args, format.json()) }
	return cmd
}

func (a *app) verify(ctx context.Context, f verifyFlags, args []string, asJSON bool) (err error) {
	now := time.Now().UTC()
	cfg := verify.Config{Workers: f.workers, OriginalBucket: f.original, MayEnd: f.mayEnd, Now: now}
	if err := f.timeRange.check(now); err != nil {
		return usage(err)
	}
	cfg.From, cfg.To = f.start, f.endBy(now)
	switch {
	case f.start.IsZero():
		return usage(errors.New("--from must not be empty: name when the digests begin, as a day or a time"))
	case !cfg.From.Before(cfg.To):
		return usage(fmt.Errorf("--from (%s) is in the future", cfg.From.Format(time.RFC3339)))
	case f.workers <= 0:
		return usage(fmt.Errorf("--workers must be > 0, is %d", f.workers))
	case f.most < 0:
		return usage(fmt.Errorf("--max-findings must be >= 0, is %d", f.most))
	case f.results == "-" && asJSON:
		return usage(errors.New("--results - and --output json cannot go together, as both write to standard output; name a file for one of them"))
	}
	host, _ := os.Hostname()
	r := &report.Report{Version: Version(), Host: host, User: userName(), SignedBy: f.signedBy, Started: now.Truncate(time.Second)}
	files, err := a.verifyFiles(ctx, f, args, &cfg, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	v, err := verify.New(cfg)
	if err != nil {
		return usage(err)
	}
	r.Summary = verify.NewSummary(cfg, f.most)
	if err := a.walk(ctx, v, f, r); err != nil {
		return err
	}
	if files.Identity != nil && r.Error == "" {
		r.Identity, _ = files.Identity(ctx) // nice to have
	}
	r.Finished = time.Now().UTC().Truncate(time.Second)
	r.Complete(v.PublicKeys())
	if err := a.verifyOutput(f, v, r, asJSON); err != nil {
		return err
	}
	return verdictError(r)
}

// verdictError is the exit code of a report.
func verdictError(r *report.Report) error {
	switch {
	case r.Verdict == verify.VerdictRefuted:
		return &codeError{exitRefuted}
	case r.Error != "" || r.Verdict == verify.VerdictUnchecked:
		return errSaid
	case r.Verdict == verify.VerdictIncomplete:
		return &codeError{exitIncomplete}
	}
	return nil
}

// codeError ends the program with a code; why has been told already.
type codeError struct{ code int }

func (e *codeError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// walk runs the verification and adds up what it finds. An error is one of writing.
func (a *app) walk(ctx context.Context, v *verify.Verifier, f verifyFlags, r *report.Report) (err error) {
	write := func(verify.Item) error { return nil }
	if f.results != "" {
		out := a.Stdout
		if f.results != "-" {
			file, err := os.Create(f.results)
			if err != nil {
				return fmt.Errorf("writing the results: %w", err)
			}
			defer func() { err = errors.Join(err, file.Close()) }()
			out = file
		}
		buffer := bufio.NewWriterSize(out, 64<<10)
		defer func() { err = errors.Join(err, buffer.Flush()) }()
		write = func(item verify.Item) error { return writeItem(buffer, item) }
	}
	status := a.openStatus(false)
	status.Start(newVerifyMeter(v).text)
	defer status.Stop()
	for item, err := range v.Run(ctx) {
		if err != nil {
			r.Error = err.Error()
			break
		}
		r.Add(item)
		if err := write(item); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
	}
	return nil
}

// writeItem writes one line.
func writeItem(w io.Writer, item verify.Item) error {
	var line any
	switch {
	case item.File != nil:
		line = struct {
			Type string `json:"type"`
			*verify.File
		}{"file", item.File}
	case item.Hour != nil:
		line = struct {
			Type string `json:"type"`
			OK   bool   `json:"ok"`
			*verify.Hour
		}{"hour", item.Hour.OK(), item.Hour}
	case item.Gap != nil:
		line = struct {
			Type string `json:"type"`
			*verify.Gap
		}{"gap", item.Gap}
	default:
		line = struct {
			Type string `json:"type"`
			verify.FaultText
		}{"fault", verify.FaultText{Place: item.Fault.Place, Error: item.Fault.Err.Error()}}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(line)
}

func (a *app) verifyOutput(f verifyFlags, v *verify.Verifier, r *report.Report, asJSON bool) error {
	if f.saveKeys != "" {
		text, err := v.PublicKeys().Format()
		if err == nil {
			err = os.WriteFile(f.saveKeys, text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("saving the public keys: %w", err)
		}
	}
	if f.report != "" {
		file, err := os.Create(f.report)
		if err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		if err := errors.Join(r.HTML(file), file.Close()); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	if !asJSON {
		out := a.Stdout
		style := a.style()
		if f.results == "-" {
			out, style = a.Stderr, terminal.Style{On: terminal.Colours(a.Stderr)}
		}
		return r.Text(out, style)
	}
	text, err := r.JSON()
	if err != nil {
		return err
	}
	_, err = a.Stdout.Write(text)
	return err
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("user %d", os.Getuid())
}

// verifyMeter makes the text of the status line.
type verifyMeter struct {
	v       *verify.Verifier
	began   time.Time
	samples []sample
}

func newVerifyMeter(v *verify.Verifier) *verifyMeter {
	now := time.Now()
	return &verifyMeter{v, now, []sample{{at: now}}}
}

func (m *verifyMeter) text() string {
	now, p := time.Now(), m.v.Progress()
	files := p.Digests + p.Logs
	for len(m.samples) > 1 && now.Sub(m.samples[1].at) >= rateWindow {
		m.samples = m.samples[1:]
	}
	first := m.samples[0]
	m.samples = append(slices.Clip(m.samples), sample{now, files, p.Bytes})
	rate := 0.0
	if over := now.Sub(first.at).Seconds(); over > 0 {
		rate = float64(files-first.events) / over
	}
	elapsed := now.Sub(m.began)
	text := fmt.Sprintf("%s %3.0f %%", terminal.Bar(p.Part, 16), 100*p.Part)
	if p.Part > 0 && p.Part < 1 {
		text += "  ETA " + wholeSeconds(time.Duration(float64(elapsed)*(1-p.Part)/p.Part))
	}
	return fmt.Sprintf("%s  %s files (%s/s)  %d of %d accounts and regions  %d findings", text, terminal.Count(float64(files)), terminal.Count(rate),
		p.PlacesDone, p.Places, p.Findings)
}
