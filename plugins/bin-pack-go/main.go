// Best fit: each waiting task goes to the offer with the least room that still fits, so that
// agents fill up and large tasks find room elsewhere. See README.md.
package main

import (
	"offerd"
	_ "offerd/gen/policy"
)

// Settings are the `config` table.
type Settings struct {
	// How much each resource counts when offers are compared.
	Weights offerd.Weights `json:"weights"`
}

type binPack struct {
	order offerd.Order
}

var description = offerd.Description{
	Name:    "bin-pack-go",
	Version: "0.1.0",
	Summary: "Fills agents up: takes the tightest offer with room.",
}

var defaults = Settings{Weights: offerd.DefaultWeights}

func create(settings Settings) (offerd.Policy, error) {
	if err := settings.Weights.Check(); err != nil {
		return nil, err
	}
	return &binPack{offerd.Tightest(settings.Weights)}, nil
}

func (policy *binPack) Decide(round *offerd.Round, out *offerd.Answer) error {
	fitter := offerd.NewFitter(round, policy.order)
	for at := range round.Waiting {
		set := &round.Waiting[at]
		for spot := range fitter.Fill(set) {
			out.Place(spot, set, spot.Count).Because("the tightest offer with room")
		}
	}
	out.DeclineRest(offerd.HostsChoice).Because("nothing that waits fits")
	return nil
}

func init() { offerd.Export(description, defaults, create) }

func main() {}
