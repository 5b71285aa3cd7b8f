// Package export is what the components' exports call: functions that the SDK sets.
package export

import (
	state "offerd/gen/offerd_policy_state"
	types "offerd/gen/offerd_policy_types"
	"offerd/wit"
)

// Description is what `describe` gives.
type Description struct {
	Name    string
	Version string
	Summary string
}

// Calls are the exports of a policy.
type Calls struct {
	Describe  func() Description
	Configure func(config string) error
	Decide    func(round *types.Round) (types.Answer, error)
	Save      func() (state.Snapshot, error)
	Restore   func(snapshot state.Snapshot) error
}

// Current is set when the program starts.
var Current Calls

func Describe() Description { return Current.Describe() }

func Configure(config string) wit.Result[wit.Unit, string] { return unit(Current.Configure(config)) }

func Decide(round types.Round) wit.Result[types.Answer, string] {
	answer, err := Current.Decide(&round)
	if err != nil {
		return wit.Err[types.Answer](err.Error())
	}
	return wit.Ok[types.Answer, string](answer)
}

func Save() wit.Result[state.Snapshot, string] {
	snapshot, err := Current.Save()
	if err != nil {
		return wit.Err[state.Snapshot](err.Error())
	}
	return wit.Ok[state.Snapshot, string](snapshot)
}

func Restore(snapshot state.Snapshot) wit.Result[wit.Unit, string] {
	return unit(Current.Restore(snapshot))
}

func unit(err error) wit.Result[wit.Unit, string] {
	if err != nil {
		return wit.Err[wit.Unit](err.Error())
	}
	return wit.Ok[wit.Unit, string](wit.Unit{})
}
