// A scheduling policy: each waiting task goes to the first offer with room.
package main

import (
	"offerd"
	_ "offerd/gen/policy"
)

// Settings are the `config` table of the policy's `[[policy]]` entry.
type Settings struct {
	// At most so many tasks are placed in one round.
	Most uint32 `json:"most"`
}

type policy struct {
	Settings
}

func create(settings Settings) (offerd.Policy, error) {
	if settings.Most < 1 {
		return nil, offerd.Errorf("most is %d; must be at least 1", settings.Most)
	}
	return &policy{settings}, nil
}

func (policy *policy) Decide(round *offerd.Round, out *offerd.Answer) error {
	left := policy.Most
	fitter := offerd.NewFitter(round, offerd.Arrival())
	for at := range round.Waiting {
		set := &round.Waiting[at]
		for spot := range fitter.Fill(set) {
			count := min(spot.Count, left)
			if count == 0 {
				break
			}
			out.Place(spot, set, count).Because("the first offer with room")
			left -= count
		}
	}
	out.DeclineRest(offerd.HostsChoice).Because("nothing that waits fits")
	return nil
}

func init() {
	description := offerd.Description{
		Name:    "{{name}}",
		Version: "0.1.0",
		Summary: "Takes the first offer with room.",
	}
	offerd.Export(description, Settings{Most: 1_000_000}, create)
}

func main() {}
