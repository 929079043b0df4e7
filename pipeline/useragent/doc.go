// Package useragent turns a User-Agent text into the members of the ECS group user_agent, with the same answers as the user_agent
// processor of Elasticsearch: the rules of uap-core, the first match of each of its three lists (agent, operating system, device).
//
// The rules are the ones embedded in github.com/ua-parser/uap-go. Only the data is taken from there: what becomes of a match follows the
// processor, and that differs from uap-go:
//
//   - In a name only the first "$1" is replaced, "$2" and so on stay as they are; a version replacement is literal.
//   - Nothing is trimmed. A rule whose name group took no part in the match does not count.
//   - A version is joined up to the first missing or empty part, an agent has a fourth part ("129.0.0.0").
//   - An unknown agent or device is named "Other", an unknown operating system is absent.
//
// # Cost
//
// A repeated agent costs 40 to 90 ns, by its length, and no allocation. A new one costs 5 to 60 µs if a tool of AWS or a browser on a desktop wrote
// it, 70 to 130 µs if it is an old or mobile browser: one pass over the text finds which words of the rules occur in it, and only rules whose
// words all occur are run, a long list of names with only those that occur. Regexps are compiled when they are first run. The rules themselves are loaded by the first new agent, or by
// [Parser.Warm].
//
// # The guard
//
// A flood of unique agents must not stop the pipeline. [Config.Budget] new agents a second (500 by default), and [Config.BudgetBurst] at once
// (20000 by default), are parsed by the rules. What goes beyond, and what is longer than [Config.MaxLength], is parsed by a fast parser (1-5 µs),
// whose answers are good for browsers and for the tools of AWS, and less exact for the rest. Such an answer is not kept, so that a later look at
// the same agent gives the exact one. [Parser.Stats] counts them. With a Budget of 0 every answer is exact, whatever it costs.
//
// # Differences that remain
//
// Elasticsearch carries a copy of uap-core of its own age, so rules that were added or changed since then answer differently. Java's "$" also
// matches before a line break at the end of the text, and its "\b" may know more letters than Go's; neither occurs in a real User-Agent.
package useragent
