package config

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Redacted stands for a secret in what Marshal prints.
const Redacted = "xxxxx"

// Marshal prints a struct with config tags as YAML: all options with their effective values, in the order of the struct,
// secrets redacted. A *Section is printed as the struct that it was decoded into, or as it is written.
func Marshal(v any) ([]byte, error) {
	node := encode(reflect.ValueOf(v), field{})
	if node == nil {
		return []byte("{}\n"), nil
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return nil, fmt.Errorf("printing the configuration: %w", err)
	}
	return out.Bytes(), nil
}

// encode gives the node of a value; nil where there is nothing to print.
func encode(v reflect.Value, f field) *yaml.Node {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() || (v.Kind() == reflect.Pointer && v.IsNil()) {
		return nil
	}
	if section, ok := v.Interface().(*Section); ok {
		if section.decoded != nil {
			return encode(reflect.ValueOf(section.decoded), f)
		}
		return section.value.node("")
	}
	if v.Kind() == reflect.Pointer {
		return encode(v.Elem(), f)
	}
	if isScalarKind(v.Type()) {
		return encodeScalar(v, f)
	}
	switch v.Kind() {
	case reflect.Struct:
		fields, rest := fieldsOf(v.Type())
		node := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range fields {
			appendMember(node, f.name, encode(v.FieldByIndex(f.index), f))
		}
		if rest != nil {
			if inner := encode(v.FieldByIndex(rest), field{}); inner != nil {
				node.Content = append(node.Content, inner.Content...)
			}
		}
		return node
	case reflect.Slice:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		if v.Len() == 0 {
			node.Style = yaml.FlowStyle
		}
		for i := range v.Len() {
			if inner := encode(v.Index(i), f); inner != nil {
				node.Content = append(node.Content, inner)
			}
		}
		return node
	case reflect.Map:
		node := &yaml.Node{Kind: yaml.MappingNode}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			appendMember(node, key.String(), encode(v.MapIndex(key), f))
		}
		if len(keys) == 0 {
			node.Style = yaml.FlowStyle
		}
		return node
	default:
		return stringNode(fmt.Sprint(v.Interface()))
	}
}

func appendMember(node *yaml.Node, name string, inner *yaml.Node) {
	if inner != nil {
		node.Content = append(node.Content, stringNode(name), inner)
	}
}

func stringNode(text string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(text)
	return node
}

func encodeScalar(v reflect.Value, f field) *yaml.Node {
	if f.secret {
		if v.IsZero() {
			return stringNode("")
		}
		return stringNode(Redacted)
	}
	text := scalarText(v, f)
	if v.Kind() == reflect.String || reflect.PointerTo(v.Type()).Implements(textType) {
		// What is printed can be read again, so it must not look like a variable.
		return stringNode(strings.ReplaceAll(text, "${", "$${"))
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text}
}

// scalarText writes a scalar as a person would.
func scalarText(v reflect.Value, f field) string {
	if v.Type() == durationType {
		text := time.Duration(v.Int()).String()
		if short, ok := strings.CutSuffix(text, "m0s"); ok {
			text = short + "m"
		}
		if short, ok := strings.CutSuffix(text, "h0m"); ok {
			text = short + "h"
		}
		return text
	}
	if v.CanAddr() {
		if m, ok := v.Addr().Interface().(encoding.TextMarshaler); ok {
			if text, err := m.MarshalText(); err == nil {
				return string(text)
			}
		}
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	switch {
	case v.CanInt() && f.bytes:
		n := v.Int()
		for _, unit := range []struct {
			size int64
			name string
		}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
			if n >= unit.size && n%unit.size == 0 {
				return strconv.FormatInt(n/unit.size, 10) + unit.name
			}
		}
		return strconv.FormatInt(n, 10)
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	default:
		return fmt.Sprint(v.Interface())
	}
}

// telling reports whether a name sounds like that of a secret. It decides where no struct says so.
func telling(path string) bool {
	path = strings.ToLower(path)
	for _, part := range []string{"password", "passphrase", "secret", "token", "api_key", "access_key", "authorization", "cloud.auth"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return false
}

// node prints a section that nobody has decoded.
func (v *value) node(path string) *yaml.Node {
	switch v.kind {
	case list:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for i, item := range v.items {
			node.Content = append(node.Content, item.node(join(path, strconv.Itoa(i))))
		}
		return node
	case group:
		node := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range v.names {
			appendMember(node, name, v.members[name].node(join(path, name)))
		}
		return node
	case null:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
	switch {
	case telling(path):
		return stringNode(Redacted)
	case v.tag == "!!int" || v.tag == "!!float" || v.tag == "!!bool":
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: v.tag, Value: v.text}
	default:
		return stringNode(strings.ReplaceAll(v.text, "${", "$${"))
	}
}
