// Weighted fair sharing between jobs, or between groups of jobs, by their dominant shares. See
// README.md.
package main

import (
	"container/heap"

	"offerd"
	_ "offerd/gen/policy"
)

// Settings are the `config` table.
type Settings struct {
	// Label of jobs by which they share; empty: each job for itself.
	Label string `json:"label"`
	// "NAME=NUMBER": this one gets so many times as much as one of weight 1.
	Weights []string `json:"weights"`
}

type fairShare struct {
	label   string
	weights map[string]float64
	order   offerd.Order
	// Names of sharers by job.
	names map[uint32]string
}

func create(settings Settings) (offerd.Policy, error) {
	weights, err := readWeights(settings.Weights)
	if err != nil {
		return nil, err
	}
	return &fairShare{
		label:   settings.Label,
		weights: weights,
		order:   offerd.Tightest(offerd.DefaultWeights),
		names:   map[uint32]string{},
	}, nil
}

// Decide gives one task after the other to the sharer with the least, until nothing fits.
func (policy *fairShare) Decide(round *offerd.Round, out *offerd.Answer) error {
	fitter := offerd.NewFitter(round, policy.order)
	queue := policy.sharers(round)
	placed := newPlacements()
	for len(queue) > 0 {
		sharer := queue[0]
		set := sharer.sets[0]
		spot, ok := fitter.Next(set)
		if !ok || placed.left(set) == 0 {
			// The next set of this sharer, if it has one.
			sharer.sets = sharer.sets[1:]
			if len(sharer.sets) == 0 {
				heap.Pop(&queue)
			}
			continue
		}
		fitter.Take(spot, set, 1)
		placed.add(spot, set)
		sharer.add(offerd.Needs(set))
		heap.Fix(&queue, 0)
	}
	placed.decide(out)
	out.DeclineRest(offerd.HostsChoice).Because("nothing that waits fits")
	offerd.Gauge("sharers", float64(len(policy.names)))
	return nil
}

func init() {
	description := offerd.Description{
		Name:    "fair-share",
		Version: "0.1.0",
		Summary: "Shares the cluster between jobs by weighted dominant resource fairness.",
	}
	offerd.Export(description, Settings{}, create)
}

func main() {}
