// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// A setting comes from a flag, else from the environment, else from a file, else it
// has its default. The keys of the file are the names of the flags.

// The flags that configuration by file adds to a command.
const (
	configFlag      = "config"
	printConfigFlag = "print-config"
)

// sourceAnnotation holds where the value of a flag is from, if not from the command
// line.
const sourceAnnotation = "endplate-source"

// configure sets the flags that were not given on the command line.
func configure(flags *pflag.FlagSet) error {
	if err := fromEnvironment(flags); err != nil {
		return err
	}
	file := flags.Lookup(configFlag)
	if file == nil || file.Value.String() == "" {
		return nil
	}
	return fromFile(flags, file.Value.String())
}

// fromEnvironment sets the flags that were not given from ENDPLATE_… variables.
func fromEnvironment(flags *pflag.FlagSet) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || f.Name == "version" || failed != nil {
			return
		}
		key := environmentName(f.Name)
		if value, ok := os.LookupEnv(key); ok && value != "" {
			failed = setFrom(flags, f, value, key)
		}
	})
	return failed
}

func environmentName(flag string) string {
	return strings.ToUpper(name + "_" + strings.ReplaceAll(flag, "-", "_"))
}

// setFrom sets a flag to a value that is from a source.
func setFrom(flags *pflag.FlagSet, f *pflag.Flag, value, source string) error {
	if err := flags.Set(f.Name, value); err != nil {
		return usagef("%s: %w", source, err)
	}
	return flags.SetAnnotation(f.Name, sourceAnnotation, []string{source})
}

// sourceOf says where the value of a flag is from.
func sourceOf(f *pflag.Flag) string {
	switch source := f.Annotations[sourceAnnotation]; {
	case len(source) > 0:
		return source[0]
	case f.Changed:
		return "--" + f.Name
	}
	return "default"
}

// longestConfig is the most that a configuration file may hold, bytes.
const longestConfig = 1 << 20

// fromFile sets the flags that are neither on the command line nor in the environment
// from a file.
func fromFile(flags *pflag.FlagSet, path string) error {
	settings, err := readSettings(path)
	if err != nil {
		return usagef("%w", err)
	}
	known := serverFlags(&serverSettings{}).all()
	for _, s := range settings {
		switch {
		case known.Lookup(s.name) == nil:
			return usagef("%s:%d: unknown setting %q", path, s.line, s.name)
		case s.name == configFlag || s.name == printConfigFlag:
			return usagef("%s:%d: %s is not for a file", path, s.line, s.name)
		}
		// A worker shares the file of the servers, whose addresses mean nothing to it.
		f := flags.Lookup(s.name)
		if f == nil || f.Changed {
			continue
		}
		if err := setFrom(flags, f, s.value, fmt.Sprintf("%s:%d", path, s.line)); err != nil {
			return err
		}
	}
	return nil
}

// setting is an entry of a configuration file.
type setting struct {
	name, value string
	line        int
}

// readSettings reads a configuration file, a mapping of names to plain values.
func readSettings(path string) ([]setting, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, longestConfig+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > longestConfig {
		return nil, fmt.Errorf("%s: more than %d bytes", path, longestConfig)
	}
	var document yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(raw)).Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: want lines such as \"grpc-addr: localhost:8470\"", path, top.Line)
	}
	var settings []setting
	lines := make(map[string]int)
	for i := 0; i < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		switch before, twice := lines[key.Value]; {
		case value.Kind != yaml.ScalarNode || value.Tag == "!!null":
			return nil, fmt.Errorf("%s:%d: %s has no plain value", path, key.Line, key.Value)
		case twice:
			return nil, fmt.Errorf("%s:%d: %s is set in line %d already", path, key.Line, key.Value, before)
		}
		lines[key.Value] = key.Line
		settings = append(settings, setting{key.Value, value.Value, key.Line})
	}
	return settings, nil
}

// printSettings writes the settings in force as a configuration file, each with where
// it is from. Passwords are left out.
func printSettings(w io.Writer, groups flagGroups) error {
	for i, g := range groups {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "# %s\n", g.title)
		var failed error
		g.flags.VisitAll(func(f *pflag.Flag) {
			if f.Name == configFlag || f.Name == printConfigFlag || failed != nil {
				return
			}
			value := f.Value.String()
			if f.Value.Type() == "string" {
				quoted, err := yaml.Marshal(redacted(value))
				if err != nil {
					failed = err
					return
				}
				value = strings.TrimSpace(string(quoted))
			}
			_, failed = fmt.Fprintf(w, "%s: %s # %s\n", f.Name, value, sourceOf(f))
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// redacted returns a value without the passwords that URLs in it may hold.
func redacted(value string) string {
	if !strings.Contains(value, "://") {
		return value
	}
	words := strings.Fields(value)
	for i, word := range words {
		name, address := "", word
		if before, after, named := strings.Cut(word, "="); named && !strings.Contains(before, ":") {
			name, address = before+"=", after
		}
		words[i] = name + redactedURL(address)
	}
	return strings.Join(words, " ")
}

func redactedURL(value string) string {
	scheme, _, _ := strings.Cut(value, "://")
	u, err := url.Parse(value)
	if err != nil {
		return scheme + "://xxxxx"
	}
	query := u.Query()
	for key := range query {
		if k := strings.ToLower(key); !strings.HasSuffix(k, "-file") && (strings.Contains(k, "password") || strings.Contains(k, "secret") || strings.Contains(k, "token")) {
			query.Set(key, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}
