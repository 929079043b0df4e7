package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Statement is a right that an input needs. All of them allow.
type Statement struct {
	// Actions such as "s3:GetObject".
	Actions []string
	// Resources are ARNs.
	Resources []string
	// Condition is as in IAM: operator, key, values. Nil: none.
	Condition map[string]map[string][]string
}

// partitions of AWS that a policy can be written for.
var partitions = []string{"aws", "aws-us-gov", "aws-cn"}

func (a *app) exportPolicyCommand() *cobra.Command {
	var partition, purpose string
	cmd := &cobra.Command{
		Use:   "iam-policy",
		Short: "Print the least IAM policy for the configured inputs as JSON",
		Long: `Export iam-policy prints an identity policy that allows what the configured inputs do and nothing else. Nobody is asked:
what it says comes from the configuration alone. Rights that other policies give, of a queue, a bucket or a KMS key in
another account, are needed there too.`,
		Example: "  trailbeat export iam-policy\n  trailbeat export iam-policy --partition aws-cn\n  trailbeat export iam-policy --for verify",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			if partition != "" && !slices.Contains(partitions, partition) {
				return usage(fmt.Errorf("--partition is %q, but must be one of %s", partition, strings.Join(partitions, ", ")))
			}
			if !slices.Contains(purposes, purpose) {
				return usage(fmt.Errorf("--for is %q, but must be one of %s", purpose, strings.Join(purposes, ", ")))
			}
			s, err := a.load()
			if err != nil {
				return err
			}
			if err := s.needInputs(); err != nil {
				return err
			}
			text, err := s.policy(partition, purpose)
			if err != nil {
				return err
			}
			if bytes.Contains(text, []byte(`"sts:AssumeRole"`)) {
				fmt.Fprintln(a.Stderr, "The statement with sts:AssumeRole is for the identity that assumes the roles, all others are for the role that reads.")
			}
			_, err = a.Stdout.Write(text)
			return err
		},
	}
	cmd.Flags().StringVar(&partition, "partition", "", "`NAME` of the part of AWS for all ARNs: "+strings.Join(partitions, ", ")+
		" (default: as the options of the inputs say)")
	cmd.Flags().StringVar(&purpose, "for", purposes[0], "`COMMAND` that the policy is for: "+strings.Join(purposes, ", "))
	completeFlag(cmd, "for", purposes...)
	return cmd
}

// purposes are the commands that there are policies for.
var purposes = []string{"run", "verify"}

// policy makes the document.
func (s *settings) policy(partition, purpose string) ([]byte, error) {
	var all []Statement
	for i := range s.inputs {
		in := &s.inputs[i]
		policy := in.kind.Policy
		if purpose == "verify" {
			policy = in.kind.FilesPolicy
		}
		if policy == nil {
			continue
		}
		own, err := policy(in.options)
		if err != nil {
			return nil, fmt.Errorf("listing the rights of input %q: %w", in.ID, err)
		}
		all = append(all, own...)
	}
	if len(all) == 0 {
		return nil, errors.New("no configured input needs rights on AWS")
	}
	if partition != "" {
		for i := range all {
			all[i].Resources = inPartition(partition, all[i].Resources)
		}
	}
	return policyDocument(all)
}

// policyDocument is the JSON of the statements, as few as possible.
func policyDocument(all []Statement) ([]byte, error) {
	type statement struct {
		Sid, Effect      string
		Action, Resource []string
		Condition        map[string]map[string][]string `json:",omitempty"`
	}
	doc := struct {
		Version   string
		Statement []statement
	}{Version: "2012-10-17"}
	for i, st := range mergeStatements(all) {
		doc.Statement = append(doc.Statement, statement{fmt.Sprintf("Trailbeat%d", i+1), "Allow", st.Actions, st.Resources, st.Condition})
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("printing the policy: %w", err)
	}
	return out.Bytes(), nil
}

// inPartition puts ARNs into a partition.
func inPartition(partition string, arns []string) []string {
	out := make([]string, len(arns))
	for i, arn := range arns {
		out[i] = arn
		if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 && parts[0] == "arn" {
			out[i] = "arn:" + partition + ":" + parts[2]
		}
	}
	return out
}

// mergeStatements makes as few statements as possible of which none allows more than was asked for: those with the same
// resources share their actions, then those with the same actions share their resources. The order does not depend on
// that of the inputs.
func mergeStatements(all []Statement) []Statement {
	byResources := func(st Statement) string { return strings.Join(st.Resources, "\n") }
	byActions := func(st Statement) string { return strings.Join(st.Actions, "\n") }
	merged := joinBy(all, byResources)
	merged = joinBy(merged, byActions)
	slices.SortFunc(merged, func(a, b Statement) int {
		return cmp.Or(strings.Compare(byActions(a), byActions(b)), strings.Compare(byResources(a), byResources(b)),
			strings.Compare(conditionKey(a), conditionKey(b)))
	})
	return merged
}

// joinBy joins statements of the same key and condition. Its results are sorted and hold nothing twice.
func joinBy(all []Statement, key func(Statement) string) []Statement {
	joined := map[string]Statement{}
	for _, st := range all {
		st.Actions, st.Resources = sortedSet(st.Actions), sortedSet(st.Resources)
		k := key(st) + "\x00" + conditionKey(st)
		old := joined[k]
		joined[k] = Statement{
			Actions: sortedSet(append(old.Actions, st.Actions...)), Resources: sortedSet(append(old.Resources, st.Resources...)),
			Condition: st.Condition,
		}
	}
	return slices.Collect(maps.Values(joined))
}

func sortedSet(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func conditionKey(st Statement) string {
	text, _ := json.Marshal(st.Condition) // maps of strings: sorted, and never an error
	return string(text)
}
