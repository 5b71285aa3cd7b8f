package offerd

import "math"

const (
	// So many failed needs are remembered in each group.
	hopelessNeeds = 8
	// Agents in the first question about a set; the next ones are twice as large.
	firstWindow = 16
)

// Weights say how much each resource counts for the room of an offer: by its share of all
// that is offered to the role, times its weight. One that no waiting task needs counts
// nothing, except GPUs: tasks that need none had better leave them free.
type Weights struct {
	Cpus  float64 `json:"cpus"`
	Mem   float64 `json:"mem"`
	Disk  float64 `json:"disk"`
	Gpus  float64 `json:"gpus"`
	Ports float64 `json:"ports"`
}

// DefaultWeights are 1, 1, 1, 4 and 0.
var DefaultWeights = Weights{1, 1, 1, 4, 0}

// Check checks weights that come from a config.
func (weights Weights) Check() error {
	names := [5]string{"cpus", "mem", "disk", "gpus", "ports"}
	for at, weight := range [5]float64{weights.Cpus, weights.Mem, weights.Disk, weights.Gpus, weights.Ports} {
		if !(weight >= 0 && weight <= 1e6) {
			return Errorf("config.weights.%s: %v is no weight; it must be from 0 to 1000000", names[at], weight)
		}
	}
	return nil
}

type orderKind uint8

const (
	arrival orderKind = iota
	tightest
	roomiest
)

// Order says which of the offers that fit is taken first.
type Order struct {
	kind    orderKind
	weights Weights
}

// Arrival is the offer that arrived first.
func Arrival() Order { return Order{} }

// Tightest is the offer with the least room: best fit. Keeps others free for large tasks.
func Tightest(weights Weights) Order { return Order{tightest, weights} }

// Roomiest is the offer with the most room: spreads tasks.
func Roomiest(weights Weights) Order { return Order{roomiest, weights} }

// Spot is room for tasks on an offer.
type Spot struct {
	Offer uint32
	Agent uint32
	// At is the position of the offer in round.Offers.
	At int
	// Count is how many tasks; at least 1.
	Count uint32
}

type group struct {
	// The least that any waiting set of the role needs, resource by resource.
	least    Amounts
	score    Amounts
	shelf    shelf
	entries  []entry
	hopeless []Amounts
}

type groupKey struct{ role, number uint32 }

// What waits in a role and what there is for it.
type role struct {
	role               uint32
	least, most, total Amounts
}

// Fitter finds room for waiting tasks in the offers of a round, and keeps books on what is
// left. It knows roles (a task only goes to offers of its role) and placement constraints.
//
// A search looks at few offers, not at all: offers stand in order in blocks that know the
// most that is left in them, offers with no room for anything that waits are dropped, and a
// need that found nothing once finds nothing again. The books live for one round.
//
// The decisions are those of the other SDKs to the bit: the same keys by the same operations
// in the same order, of equal keys the earlier offer, the same questions about constraints.
type Fitter struct {
	round  *Round
	order  Order
	left   []Amounts
	keys   []float64
	groups map[groupKey]*group
	// By position in round.Offers; nil: on no shelf.
	groupOf []*group
	allowed map[uint32]*allowance
}

// NewFitter has all offers of a role in one order.
func NewFitter(round *Round, order Order) *Fitter {
	return NewGroupedFitter(round, order, func(int, *Offer) int64 { return 0 })
}

// NewGroupedFitter has offers in groups, to search one at a time with NextIn. Offers whose
// group is negative are left out. The same group number in two roles is two groups.
func NewGroupedFitter(round *Round, order Order, choose func(at int, offer *Offer) int64) *Fitter {
	count := len(round.Offers)
	fitter := &Fitter{
		round:   round,
		order:   order,
		left:    make([]Amounts, count),
		keys:    make([]float64, count),
		groups:  map[groupKey]*group{},
		groupOf: make([]*group, count),
		allowed: map[uint32]*allowance{},
	}
	for at := range round.Offers {
		fitter.left[at] = OfferAmounts(&round.Offers[at])
	}
	roles := survey(round)
	for at := range round.Offers {
		offer := &round.Offers[at]
		role := findRole(roles, offer.Role)
		if role == nil || !fitter.left[at].Fits(&role.least) {
			continue
		}
		if number := choose(at, offer); number >= 0 {
			fitter.join(at, role, uint32(number))
		}
	}
	for _, group := range fitter.groups {
		group.shelf = newShelf(group.entries, order.kind == arrival, fitter.left)
	}
	return fitter
}

func (fitter *Fitter) join(at int, role *role, number uint32) {
	key := groupKey{role.role, number}
	joined := fitter.groups[key]
	if joined == nil {
		joined = &group{least: role.least, score: weigh(fitter.order, role)}
		fitter.groups[key] = joined
	}
	fitter.groupOf[at] = joined
	fitter.keys[at] = fitter.key(joined, at)
	joined.entries = append(joined.entries, entry{fitter.keys[at], uint32(at)})
}

func findRole(roles []role, number uint32) *role {
	for at := range roles {
		if roles[at].role == number {
			return &roles[at]
		}
	}
	return nil
}

func survey(round *Round) []role {
	var roles []role
	for at := range round.Waiting {
		set := &round.Waiting[at]
		needs := Needs(set)
		known := findRole(roles, set.Role)
		if known == nil {
			roles = append(roles, role{role: set.Role, least: needs, most: needs})
			continue
		}
		known.most.widen(&needs)
		known.least.narrow(&needs)
	}
	for at := range round.Offers {
		offer := &round.Offers[at]
		if known := findRole(roles, offer.Role); known != nil {
			known.total.Cpus += offer.Cpus
			known.total.Mem += offer.Mem
			known.total.Disk += offer.Disk
			known.total.Gpus += offer.Gpus
			known.total.Ports += float64(offer.Ports)
		}
	}
	for at := range roles {
		roles[at].total.Ports = min(roles[at].total.Ports, float64(None))
	}
	return roles
}

func (least *Amounts) narrow(need *Amounts) {
	least.Cpus = min(least.Cpus, need.Cpus)
	least.Mem = min(least.Mem, need.Mem)
	least.Disk = min(least.Disk, need.Disk)
	least.Gpus = min(least.Gpus, need.Gpus)
	least.Ports = min(least.Ports, need.Ports)
}

func weigh(order Order, role *role) Amounts {
	if order.kind == arrival {
		return Amounts{}
	}
	share := func(weight float64, wanted bool, total float64) float64 {
		if wanted && total > 0 {
			return max(weight, 0) / total
		}
		return 0
	}
	return Amounts{
		share(order.weights.Cpus, role.most.Cpus > 0, role.total.Cpus),
		share(order.weights.Mem, role.most.Mem > 0, role.total.Mem),
		share(order.weights.Disk, role.most.Disk > 0, role.total.Disk),
		share(order.weights.Gpus, true, role.total.Gpus),
		share(order.weights.Ports, role.most.Ports > 0, role.total.Ports),
	}
}

// One number for room. The conversions keep each product apart: some machines would
// otherwise round once less.
func score(weights, amounts *Amounts) float64 {
	return float64(amounts.Cpus*weights.Cpus) + float64(amounts.Mem*weights.Mem) +
		float64(amounts.Disk*weights.Disk) + float64(amounts.Gpus*weights.Gpus) +
		float64(amounts.Ports*weights.Ports)
}

// Where an offer stands among the others of its group: smaller comes first.
func (fitter *Fitter) key(of *group, at int) float64 {
	switch fitter.order.kind {
	case arrival:
		return float64(at)
	case tightest:
		return score(&of.score, &fitter.left[at])
	default:
		return -score(&of.score, &fitter.left[at])
	}
}

// Left is what is left of the offer at this position of round.Offers.
func (fitter *Fitter) Left(at int) Amounts { return fitter.left[at] }

// Next is the offer that comes first in the order and has room for at least one task of the
// set. It takes nothing.
func (fitter *Fitter) Next(set *Waiting) (spot Spot, ok bool) { return fitter.search(0, set, nil) }

// NextIn is Next in one group.
func (fitter *Fitter) NextIn(group uint32, set *Waiting) (spot Spot, ok bool) {
	return fitter.search(group, set, nil)
}

// NextWhere is Next, only of offers that are good.
func (fitter *Fitter) NextWhere(set *Waiting, good func(offer *Offer) bool) (spot Spot, ok bool) {
	return fitter.search(0, set, good)
}

// Fill takes room for all tasks of the set, offer by offer, until all have a place or
// nothing fits:
//
//	for spot := range fitter.Fill(set) {
//		out.Place(spot, set, spot.Count)
//	}
func (fitter *Fitter) Fill(set *Waiting) func(yield func(Spot) bool) {
	return fitter.FillWhere(set, nil)
}

// FillWhere is Fill, only on offers that are good.
func (fitter *Fitter) FillWhere(set *Waiting, good func(offer *Offer) bool) func(yield func(Spot) bool) {
	return func(yield func(Spot) bool) {
		for wanted := set.Count; wanted > 0; {
			spot, ok := fitter.search(0, set, good)
			if !ok {
				return
			}
			spot.Count = min(spot.Count, wanted)
			fitter.Take(spot, set, spot.Count)
			wanted -= spot.Count
			if !yield(spot) {
				return
			}
		}
	}
}

// Take takes room for so many tasks of the set at a spot.
func (fitter *Fitter) Take(spot Spot, set *Waiting, count uint32) {
	needs := Needs(set)
	left := &fitter.left[spot.At]
	*left = left.Minus(&needs, count)
	if set.Traits&WaitingConstrained != 0 {
		fitter.takeAllowance(set, spot.Agent, count)
	}
	of := fitter.groupOf[spot.At]
	if of == nil {
		return
	}
	old := entry{fitter.keys[spot.At], uint32(spot.At)}
	fresh := entry{fitter.key(of, spot.At), uint32(spot.At)}
	stays := left.Fits(&of.least)
	if fresh.key != old.key || !stays {
		of.shelf.remove(old)
		fitter.keys[spot.At] = fresh.key
		if stays {
			of.shelf.insert(fresh, left)
		}
	}
}

func (fitter *Fitter) search(number uint32, set *Waiting, good func(*Offer) bool) (Spot, bool) {
	of := fitter.groups[groupKey{set.Role, number}]
	if of == nil {
		return Spot{}, false
	}
	need := Needs(set)
	for at := range of.hopeless {
		if need.Fits(&of.hopeless[at]) {
			return Spot{}, false
		}
	}
	low, high := math.Inf(-1), math.Inf(1)
	// An offer with less room by score than the need cannot fit it.
	switch fitter.order.kind {
	case tightest:
		low = score(&of.score, &need)
	case roomiest:
		high = -score(&of.score, &need)
	}
	constrained := set.Traits&WaitingConstrained != 0
	var test func(at int) bool
	if good != nil || constrained {
		test = func(at int) bool {
			offer := &fitter.round.Offers[at]
			return (good == nil || good(offer)) && (!constrained || fitter.allowance(set, at) > 0)
		}
	}
	at := of.shelf.search(&need, low, high, fitter.left, test)
	if at < 0 {
		if test == nil && len(of.hopeless) < hopelessNeeds {
			of.hopeless = append(of.hopeless, need)
		}
		return Spot{}, false
	}
	count := fitter.left[at].Capacity(&need)
	if constrained {
		count = min(count, fitter.allowance(set, at))
	}
	offer := &fitter.round.Offers[at]
	return Spot{offer.Offer, offer.Agent, at, count}, true
}

// How many more tasks of a constrained set each agent may take, as far as asked.
type allowance struct {
	window int
	left   map[uint32]uint32
}

func (fitter *Fitter) allowance(set *Waiting, at int) uint32 {
	known := fitter.allowed[set.Set]
	if known == nil {
		known = &allowance{window: firstWindow, left: map[uint32]uint32{}}
		fitter.allowed[set.Set] = known
	}
	agent := fitter.round.Offers[at].Agent
	if left, ok := known.left[agent]; ok {
		return left
	}
	agents := make([]uint32, 0, known.window)
	for other := at; other < len(fitter.round.Offers) && len(agents) < known.window; other++ {
		offer := &fitter.round.Offers[other]
		if _, asked := known.left[offer.Agent]; offer.Role == set.Role && !asked {
			known.left[offer.Agent] = 0
			agents = append(agents, offer.Agent)
		}
	}
	known.window *= 2
	for index, allowed := range Allowed(set.Set, agents) {
		known.left[agents[index]] = allowed
	}
	return known.left[agent]
}

func (fitter *Fitter) takeAllowance(set *Waiting, agent, count uint32) {
	known := fitter.allowed[set.Set]
	if known == nil {
		return
	}
	if left, ok := known.left[agent]; ok && left != None {
		known.left[agent] = left - min(left, count)
	}
}
