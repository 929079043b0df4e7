package pipeline

// DecideLate lets all rules wait for the mapping.
func (p *Pipeline) DecideLate() { p.find = nil }

// Early reports whether any rule is decided before the mapping.
func (p *Pipeline) Early() bool { return p.find != nil }
