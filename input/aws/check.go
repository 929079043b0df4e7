package aws

// Step is one thing that a check of an input looked at.
type Step struct {
	// Name, such as "read one object".
	Name string
	// Detail is what was found, or why the step was skipped.
	Detail string
	// Skipped says that the step does not apply or could not be looked at.
	Skipped bool
	// Err is what went wrong, and how to mend it. Nil: all is well.
	Err error
}

// Statement is a right that an input needs. All of them allow.
type Statement struct {
	// Actions such as "s3:GetObject".
	Actions []string
	// Resources are ARNs.
	Resources []string
	// Condition is as in IAM: operator, key, values. Nil: none.
	Condition map[string]map[string][]string
}

// RoleStatements are the rights to assume the configured roles.
func (c Config) RoleStatements() []Statement {
	var list []Statement
	if c.RoleARN != "" {
		list = append(list, Statement{Actions: []string{"sts:AssumeRole"}, Resources: []string{c.RoleARN}})
	}
	for _, r := range c.RoleChain {
		list = append(list, Statement{Actions: []string{"sts:AssumeRole"}, Resources: []string{r.RoleARN}})
	}
	return list
}
