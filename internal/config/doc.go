// Package config reads Trailbeat's configuration: YAML files and -E overrides in, filled Go structs out.
//
// Several files are merged, the later one wins: groups of options are merged name by name, lists are replaced. A name may
// be written nested or dotted ("output.console.pretty: true"), in any mixture; the same option twice in one file is an
// error. -E output.file.rotate_every_kb=1024 is merged last; its value is YAML too, and a number in the name counts list
// elements ("trailbeat.inputs.0.id=x").
//
// # Variables
//
// A value may hold variables. They are expanded after the merge, never in names and never in comments:
//
//	${VAR}           the environment variable; an error where it is not set or empty
//	${VAR:default}   the default where it is not set or empty; the default may hold variables too
//	${VAR:?message}  an error with that message where it is not set or empty
//	${file:/path}    the content of a file, without the end of its last line; the path may hold variables
//	${path.data}     a name with a dot is another option of this configuration
//	$${              the two characters "${"
//
// What a variable holds is never parsed as YAML: it may hold any character. For a list it is split at commas.
//
// # Strictness
//
// Decode knows the names from the `config:"name"` tags of the struct. A name that is not there is an error, and so is a
// value of another type. All errors come at once, as an Errors, each with file, line and column, the dotted name of the
// option, what is wrong and what would be right. Options of a tag, after the name:
//
//	secret   never printed: neither by Marshal nor in an error
//	bytes    an integer that may be written "10MiB" or "5MB"
//	inline   the fields of this struct belong to the one around it; a *Section takes all names that are left
//
// The package knows no component: a *Section keeps a group of options for the component that decodes it later.
//
// A Tree and its Sections may be read by one goroutine at a time.
package config
