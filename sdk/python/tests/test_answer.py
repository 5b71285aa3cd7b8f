"""Answers become the contract's records, with their reasons."""

from __future__ import annotations

import unittest
from datetime import timedelta

from offerd import Answer, resource, shape
from offerd.types import (
    Action_Accept,
    Action_AcceptInverseOffers,
    Action_Reconcile,
    Action_Timer,
    Action_UpdateFramework,
    Decline,
    DeclineRest,
    Encoded_Json,
    Encoded_Protobuf,
    InverseAnswer,
    Kill,
    Operation_Create,
    Operation_Launch,
    Operation_Place,
    Operation_Reserve,
    Placement,
    Range,
    ReasonedAction,
    SetCount,
    Timer,
)
from offerd.types import Answer as Record


class Decisions(unittest.TestCase):
    def test_the_same_reason_is_kept_once(self) -> None:
        answer = Answer()
        answer.place(1, 2, 3).because("tight")
        answer.place(4, 5, 6).because("tight")
        answer.place(4, 5, 1)
        answer.kill(7).grace(2).because("old")
        answer.decline(6).refuse(timedelta(seconds=1.5))
        answer.decline_rest().because("nothing fits")
        answer.decline(8).because("")
        record = answer.record()
        self.assertEqual(record.reasons, ["tight", "old", "nothing fits"])
        self.assertEqual(
            record.placements,
            [Placement(1, 2, 3, 1), Placement(4, 5, 6, 1), Placement(4, 5, 1, 0)],
        )
        self.assertEqual(record.kills, [Kill(7, 2000.0, 2)])
        self.assertEqual(record.declines, [Decline(6, 1500.0, 0), Decline(8, -1.0, 0)])
        self.assertEqual(record.rest, DeclineRest(-1.0, 3))
        self.assertEqual(record.leftover, -1.0)
        shape.check(record, Record, "answer")

    def test_operations_come_in_order_and_ids_go_to_the_last(self) -> None:
        answer = Answer()
        disk = resource.reserved_for(resource.scalar("disk", 64), "db", "p")
        accepted = answer.accept(1, 2).reserve(disk).with_id("r")
        accepted.create(resource.persistent(disk, "v", "data")).place(9, 1)
        accepted.launch({"name": "t"}, b"\x08\x01").refuse(1).because("a volume")
        with self.assertRaisesRegex(ValueError, "have ids"):
            accepted.with_id("none")
        (action,) = answer.record().actions
        assert isinstance(action.action, Action_Accept)
        accept = action.action.value
        self.assertEqual((action.reason, accept.offers, accept.refuse), (1, [1, 2], 1000.0))
        reserve, create, place, launch = accept.operations
        assert isinstance(reserve, Operation_Reserve) and isinstance(create, Operation_Create)
        self.assertEqual((reserve.value.id, create.value.id), ("r", None))
        volume = create.value.resources[0]
        assert volume.disk and volume.disk.persistence
        self.assertEqual(volume.disk.persistence.principal, "p")
        self.assertEqual(place, Operation_Place(SetCount(9, 1)))
        expected = [Encoded_Json('{"name":"t"}'), Encoded_Protobuf(b"\x08\x01")]
        self.assertEqual(launch, Operation_Launch(expected))
        self.assertIsNone(disk.disk)

    def test_the_other_calls(self) -> None:
        answer = Answer()
        answer.timer(3, 0.1).because("later")
        answer.cancel_timer(3)
        answer.reconcile()
        answer.accept_inverse(4).refuse(2)
        answer.update_framework(constraints={"a": 1})
        answer.leftover_for(timedelta(minutes=1))
        record = answer.record()
        self.assertEqual(
            record.actions,
            [
                ReasonedAction(Action_Timer(Timer(3, 100.0)), 1),
                ReasonedAction(Action_Timer(Timer(3, -1.0)), 0),
                ReasonedAction(Action_Reconcile([]), 0),
                ReasonedAction(Action_AcceptInverseOffers(InverseAnswer([4], 2000.0)), 0),
                ReasonedAction(record.actions[4].action, 0),
            ],
        )
        assert isinstance(record.actions[4].action, Action_UpdateFramework)
        self.assertIsNone(record.actions[4].action.value.framework)
        self.assertEqual(record.leftover, 60_000.0)
        shape.check(record, Record, "answer")

    def test_a_wrong_type_is_an_error_at_once(self) -> None:
        answer = Answer()
        with self.assertRaisesRegex(TypeError, "count must be a whole number"):
            answer.place(1, 2, 2.0)  # type: ignore[arg-type]
        with self.assertRaisesRegex(TypeError, "count must be a whole number"):
            answer.place(1, 2, -1)
        with self.assertRaisesRegex(TypeError, "is no task"):
            answer.kill("task")
        with self.assertRaisesRegex(TypeError, "reason must be text"):
            answer.decline(1).because(7)  # type: ignore[arg-type]


class Shapes(unittest.TestCase):
    def test_what_the_contract_cannot_carry_is_found_with_its_path(self) -> None:
        answer = Answer()
        answer.accept(1).reserve(resource.ranges("ports", [(1, 2**64)]))
        with self.assertRaisesRegex(
            TypeError,
            r"actions\[0\]\.action\.value\.operations\[0\]\.value\.resources\[0\]"
            r"\.value\.value\[0\]\.end: 18446744073709551616 must be",
        ):
            shape.check(answer.record(), Record, "answer")
        answer = Answer()
        answer.placements.append(Placement("1", 2, 3, 0))  # type: ignore[arg-type]
        with self.assertRaisesRegex(TypeError, r"answer.placements\[0\].offer: '1' must be"):
            shape.check(answer.record(), Record, "answer")
        shape.check(Range(0, 2**64 - 1), Range, "range")


if __name__ == "__main__":
    unittest.main()
