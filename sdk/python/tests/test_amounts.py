"""Amounts are exact, and codes keep what they do not know."""

from __future__ import annotations

import random
import unittest

from offerd import Amounts, milli
from offerd.amounts import MOST
from offerd.codes import OperationState, Reason, TaskState


class Exact(unittest.TestCase):
    def test_tenths_of_a_cpu_add_up(self) -> None:
        need = Amounts.of(0.1, 32)
        self.assertEqual(Amounts.of(1, 3200).capacity(need), 10)
        self.assertEqual(need.times(10), Amounts.of(1, 320))
        self.assertEqual(Amounts.of(0.3, 96).minus(need.times(3)), Amounts())

    def test_thousandths_are_rounded_as_mesos_does(self) -> None:
        for unit, thousandths in [(0.0005, 1.0), (1.5, 1500.0), (0.0004, 0.0), (-0.0005, -1.0)]:
            self.assertEqual(milli(unit), thousandths, unit)

    def test_nothing_fits_any_number_of_times(self) -> None:
        self.assertEqual(Amounts().capacity(Amounts()), MOST)
        self.assertTrue(Amounts().fits(Amounts()))

    def test_capacity_is_the_largest_number_that_fits(self) -> None:
        numbers = random.Random(1)

        def amounts() -> Amounts:
            bounds = [numbers.choice([20, 100_000, 2**50]) for _ in range(4)]
            values = [float(numbers.randrange(bound)) for bound in bounds]
            return Amounts(*values, ports=numbers.randrange(1000))

        for _ in range(5000):
            room, need = amounts(), amounts()
            count = room.capacity(need)
            self.assertEqual(count >= 1, room.fits(need))
            if count < 1000:
                self.assertTrue(room.fits(need.times(count)))
                self.assertFalse(room.fits(need.times(count + 1)))
            if room.fits(need):
                self.assertEqual(room.minus(need) + need, room)


class Codes(unittest.TestCase):
    def test_unknown_numbers_are_kept(self) -> None:
        self.assertEqual(TaskState.name(77), "77")
        self.assertFalse(TaskState.knows(77))
        self.assertFalse(TaskState.is_terminal(77))
        self.assertEqual(TaskState.name(6), "TASK_STAGING")
        self.assertEqual(Reason.name(Reason.NONE), "none")
        self.assertEqual(OperationState.name(3), "OPERATION_FAILED")

    def test_states_that_can_come_back_are_not_terminal(self) -> None:
        for state in (
            TaskState.UNREACHABLE,
            TaskState.LOST,
            TaskState.UNKNOWN,
            TaskState.GONE_BY_OPERATOR,
        ):
            self.assertFalse(TaskState.is_terminal(state), state)
        self.assertTrue(TaskState.is_terminal(TaskState.FINISHED))
        self.assertTrue(TaskState.is_on_agent(TaskState.STAGING))


if __name__ == "__main__":
    unittest.main()
