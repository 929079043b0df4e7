package elasticsearch

import "fmt"

// laterType is a type of the template that came to OpenSearch after 2.7, the oldest version that the output is for, and
// what stands in for it before.
type laterType struct {
	name         string
	major, minor int
	standIn      string
}

func laterTypes() []laterType {
	return []laterType{
		{"match_only_text", 2, 12, "text"},
		{"constant_keyword", 2, 14, "keyword"},
		{"wildcard", 2, 15, "keyword"},
	}
}

// fitTypes replaces the types in a template that the server is too old for, and notes which.
func fitTypes(template map[string]any, server Server) (notes []string) {
	if server.Flavour != OpenSearch {
		return nil
	}
	for _, t := range laterTypes() {
		if !server.atLeast(t.major, t.minor) && replaceType(template, t) {
			notes = append(notes, fmt.Sprintf("fields of type %s are of type %s, as OpenSearch knows the former since %d.%d", t.name, t.standIn, t.major, t.minor))
		}
	}
	return notes
}

// replaceType replaces one type wherever it stands, and says whether it did.
func replaceType(value any, t laterType) bool {
	done := false
	switch value := value.(type) {
	case map[string]any:
		if value["type"] == t.name {
			value["type"] = t.standIn
			delete(value, "value") // of a constant_keyword
			done = true
		}
		for _, member := range value {
			done = replaceType(member, t) || done
		}
	case []any:
		for _, member := range value {
			done = replaceType(member, t) || done
		}
	}
	return done
}
