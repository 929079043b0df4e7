package reference

// Command is what mends a stale file.
const Command = "go run ./internal/reference/gen"

// Files are the committed copies, by their path from the root of the repository, with the arguments that make the program print
// them.
func Files() map[string][]string {
	return map[string][]string{
		"docs/config.md":          {"export", "reference"},
		"docs/config.schema.json": {"export", "schema"},
		"trailbeat.reference.yml": {"export", "reference", "--format", "yaml"},
	}
}
