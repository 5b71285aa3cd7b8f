package offerdtest

import (
	"fmt"

	"offerd"
	types "offerd/gen/offerd_policy_types"
)

// Violations says what a host would refuse of an answer, as far as a test needs to know.
func Violations(round *offerd.Round, tasks []offerd.Task, answer *Answer) []string {
	books := books{
		offers:  map[uint32]*types.Offer{},
		waiting: map[uint32]*types.Waiting{},
		left:    map[uint32]offerd.Amounts{},
		gone:    map[uint32]bool{},
		placed:  map[uint32]uint32{},
		reasons: uint32(len(answer.Reasons)),
	}
	for at := range round.Offers {
		offer := &round.Offers[at]
		books.offers[offer.Offer] = offer
	}
	for at := range round.Waiting {
		books.waiting[round.Waiting[at].Set] = &round.Waiting[at]
	}
	alive := map[uint32]bool{}
	for _, task := range tasks {
		alive[task.Task] = true
	}
	for _, kill := range answer.Kills {
		if !alive[kill.Task] {
			books.say("kill of task %d, which does not live", kill.Task)
		}
		books.because("kill", kill.Reason)
	}
	for _, placement := range answer.Placements {
		books.place(placement)
	}
	for _, decline := range answer.Declines {
		books.giveAway("decline", decline.Offer)
		books.because("decline", decline.Reason)
	}
	for _, action := range answer.Actions {
		if action.Action.Tag() == types.Action_Accept {
			for _, offer := range action.Action.Accept().Offers {
				books.giveAway("accept", offer)
			}
		}
		books.because("action", action.Reason)
	}
	return books.wrong
}

type books struct {
	offers  map[uint32]*types.Offer
	waiting map[uint32]*types.Waiting
	// Of offers with placements.
	left    map[uint32]offerd.Amounts
	gone    map[uint32]bool
	placed  map[uint32]uint32
	reasons uint32
	wrong   []string
}

func (books *books) say(format string, args ...any) {
	books.wrong = append(books.wrong, fmt.Sprintf(format, args...))
}

func (books *books) because(kind string, reason uint32) {
	if reason > books.reasons {
		books.say("%s with reason %d of %d", kind, reason, books.reasons)
	}
}

func (books *books) place(placement types.Placement) {
	what := fmt.Sprintf("placement of %d of set %d on offer %d", placement.Count, placement.Set, placement.Offer)
	books.because("placement", placement.Reason)
	offer, set := books.offers[placement.Offer], books.waiting[placement.Set]
	if offer == nil || set == nil {
		books.say("%s: the round shows no such offer or set", what)
		return
	}
	if offer.Role != set.Role {
		books.say("%s: their roles differ", what)
	}
	if placement.Count == 0 {
		books.say("%s: it places nothing", what)
	}
	left, used := books.left[offer.Offer]
	if !used {
		left = offerd.OfferAmounts(offer)
	}
	needs := offerd.Needs(set)
	if left.Capacity(&needs) < placement.Count {
		books.say("%s: the offer has no room for it", what)
	}
	books.left[offer.Offer] = left.Minus(&needs, placement.Count)
	books.placed[set.Set] += placement.Count
	if books.placed[set.Set] > set.Count {
		books.say("%s: only %d wait", what, set.Count)
	}
}

func (books *books) giveAway(kind string, offer uint32) {
	if books.offers[offer] == nil {
		books.say("%s of offer %d, which the round does not show", kind, offer)
	}
	if _, used := books.left[offer]; used || books.gone[offer] {
		books.say("%s of offer %d, which is used already", kind, offer)
	}
	books.gone[offer] = true
}
