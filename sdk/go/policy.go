// Package offerd is for scheduling policies of offerd in Go.
//
// A policy is a type with Decide. Export makes a component of it:
//
//	func init() {
//		offerd.Export(offerd.Description{Name: "first-fit", ...}, Settings{}, New)
//	}
//
// in a program that imports offerd/gen/policy for its exports. Amounts are whole thousandths
// (1500 is 1.5 CPUs) and times are milliseconds, both in float64: sums and comparisons are
// exact.
package offerd

import (
	"fmt"
	"runtime/debug"
	"strings"

	state "offerd/gen/offerd_policy_state"
	types "offerd/gen/offerd_policy_types"
	"offerd/internal/export"
)

// Description says what a policy is, to operators and tools.
type Description = export.Description

// Policy decides rounds. An error means that no decision is taken: the offers of the round
// are declined, and the policy goes on. A panic is written to the log with its stack, and the
// host makes a new instance.
type Policy interface {
	Decide(round *Round, out *Answer) error
}

// Stateful is a policy whose state goes from one instance to the next; with `state = true`
// in policy.toml, and offerd/gen/stateful_policy in place of offerd/gen/policy.
type Stateful interface {
	Policy
	// Save must not change what later rounds decide.
	Save() (Snapshot, error)
	// Restore gets what an earlier instance saved, perhaps of another build. An error means
	// that it cannot be used.
	Restore(snapshot Snapshot) error
}

// Snapshot is saved state: at most 16 MiB, with a version of the policy's own.
type Snapshot = state.Snapshot

// Calls are the exports of a policy, for tests that need no cluster.
type Calls = export.Calls

// Export makes `create` the policy of this program. `settings` are the defaults of the
// settings: a struct whose exported fields, or their `json` tags, name what the `config`
// table can set. A setting that is unknown or of another type is reported with its name
// before `create` is called. Settings of type string get the table as JSON text, unchecked.
func Export[S any](description Description, settings S, create func(settings S) (Policy, error)) {
	ExportDescribed(func() Description { return description }, settings, create)
}

// ExportDescribed is Export with a description that is made when it is asked for.
func ExportDescribed[S any](describe func() Description, settings S, create func(settings S) (Policy, error)) {
	export.Current = NewCalls(describe, settings, create)
}

// NewCalls makes the exports of a policy without making it that of the program; see Export.
func NewCalls[S any](describe func() Description, settings S, create func(settings S) (Policy, error)) Calls {
	var policy Policy
	return Calls{
		Describe: func() Description {
			defer reported("describe")
			return describe()
		},
		Configure: func(config string) (err error) {
			defer reported("configure")
			forget()
			// The text is the host's; settings may keep parts of it.
			chosen, err := configured(settings, strings.Clone(config))
			if err != nil {
				return err
			}
			policy, err = create(chosen)
			return err
		},
		Decide: func(round *Round) (types.Answer, error) {
			defer reported("decide")
			beginRound(round)
			out := newAnswer()
			if err := policy.Decide(round, out); err != nil {
				return types.Answer{}, err
			}
			return out.record(), nil
		},
		Save: func() (Snapshot, error) {
			defer reported("save")
			return policy.(Stateful).Save()
		},
		Restore: func(snapshot Snapshot) error {
			defer reported("restore")
			snapshot.Data = append([]byte(nil), snapshot.Data...)
			return policy.(Stateful).Restore(snapshot)
		},
	}
}

// A panic goes on after it was written to the log: it ends the instance.
func reported(call string) {
	if cause := recover(); cause != nil {
		LogError("%s: %v\n%s", call, cause, stack())
		panic(cause)
	}
}

// The policy's part of the stack: below the panic, without the SDK's frames.
func stack() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	for at, line := range lines {
		if strings.HasPrefix(line, "panic(") && at+2 < len(lines) {
			lines = lines[at+2:]
			break
		}
	}
	return strings.TrimSpace(strings.Join(lines[:min(len(lines), 12)], "\n"))
}

// Errorf is fmt.Errorf, so that a policy needs no other import for its errors.
func Errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }
