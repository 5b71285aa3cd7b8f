"""From a module to the contract's calls: which class is the policy, what errors become."""

from __future__ import annotations

import types
import unittest
from dataclasses import dataclass
from typing import Any

from offerd import (
    Answer,
    Description,
    Policy,
    PolicyError,
    Round,
    Snapshot,
    StatefulPolicy,
    _host,
)
from offerd.export import Instance, NoPolicy, find, settings
from offerd.testing import Cluster
from offerd.testing._state import Host
from offerd.types import Level


@dataclass
class Settings:
    fail: str = ""


class Plain(Policy):
    @classmethod
    def describe(cls) -> Description:
        return Description("plain", "1", "")

    def configure(self, config: Settings) -> None:
        self.fail = config.fail
        if config.fail == "configure":
            raise PolicyError("config.fail: configure is not allowed")

    def decide(self, round: Round, answer: Answer) -> None:
        if self.fail == "foreseen":
            raise PolicyError(f"no decision in round {round.number}")
        if self.fail == "type":
            answer.revive(0).because("x")
            answer.actions[0].reason = 1.5  # type: ignore[assignment]
        if self.fail == "deep":
            self.recurse()
        if self.fail == "bug":
            try:
                {}["missing"]
            except KeyError as error:
                raise ValueError("boom") from error

    def recurse(self) -> None:
        self.recurse()


class Stateful(StatefulPolicy):
    saved: Any = Snapshot(1, b"x")

    @classmethod
    def describe(cls) -> Description:
        return Description("stateful", "1", "")

    def decide(self, round: Round, answer: Answer) -> None:
        pass

    def save(self) -> Snapshot:
        return self.saved

    def restore(self, snapshot: Snapshot) -> None:
        if snapshot.version != 1:
            raise PolicyError(f"layout {snapshot.version} is not 1")
        self.restored = snapshot.data


def module(**values: Any) -> types.ModuleType:
    made = types.ModuleType("policy")
    for name, value in values.items():
        if isinstance(value, type):
            value = type(name, (value,), {"__module__": "policy"})
        setattr(made, name, value)
    return made


class Found(unittest.TestCase):
    def test_the_one_class_of_the_module(self) -> None:
        made = module(Mine=Plain, number=3)
        made.Policy = Policy  # type: ignore[attr-defined]
        made.Plain = Plain  # type: ignore[attr-defined]
        self.assertIs(find(made), made.Mine)
        base = made.Mine
        made.Base, made.Mine = base, type("Mine", (base,), {"__module__": "policy"})
        self.assertIs(find(made), made.Mine)

    def test_what_is_wrong_with_a_module_is_said(self) -> None:
        for made, stateful, expected in [
            (module(), None, "policy.py has no class that derives from offerd.Policy"),
            (module(A=Plain, B=Plain), None, r"several policies \(A, B\)"),
            (module(A=Policy), None, "A in policy.py is no policy yet: it has no decide, describe"),
            (module(A=Plain), True, "state = true, but A in policy.py does not derive from"),
            (module(A=Stateful), False, "say state = true in policy.toml"),
        ]:
            with self.assertRaisesRegex(NoPolicy, expected):
                find(made, stateful)

    def test_settings_come_from_the_annotation(self) -> None:
        class NoAnnotation(Plain):
            def configure(self, config) -> None:  # type: ignore[no-untyped-def]
                pass

        class Text(Plain):
            def configure(self, config: str) -> None:
                pass

        with self.assertRaisesRegex(NoPolicy, "NoAnnotation.configure: annotate `config`"):
            settings(NoAnnotation)
        self.assertEqual(settings(Text)("{ }"), "{ }")
        with self.assertRaisesRegex(PolicyError, "config.a: there is no such setting"):
            settings(Stateful)('{"a": 1}')


class Calls(unittest.TestCase):
    def setUp(self) -> None:
        self.cluster = Cluster("r")
        answering = _host.answering(Host(self.cluster.state))
        answering.__enter__()
        self.addCleanup(answering.__exit__, None, None, None)

    def configured(self, fail: str = "") -> Instance:
        instance = Instance(Plain)
        instance.configure(f'{{"fail": "{fail}"}}')
        return instance

    def test_foreseen_failures_are_the_contracts_errors(self) -> None:
        with self.assertRaisesRegex(PolicyError, "configure is not allowed"):
            self.configured("configure")
        with self.assertRaisesRegex(PolicyError, "^no decision in round 1$"):
            self.configured("foreseen").decide(self.cluster.round())
        with self.assertRaisesRegex(PolicyError, "decide was called before configure"):
            Instance(Plain).decide(self.cluster.round())
        with self.assertRaisesRegex(PolicyError, "Plain keeps no state"):
            self.configured().save()
        self.assertEqual(self.cluster.log, [])

    def test_all_others_are_logged_with_their_traceback(self) -> None:
        with self.assertRaises(ValueError):
            self.configured("bug").decide(self.cluster.round())
        ((level, text),) = self.cluster.log
        self.assertEqual(level, Level.ERROR)
        lines = text.split("\n")
        self.assertEqual(lines[0], "decide: Traceback (most recent call last):")
        self.assertIn("KeyError: 'missing'", lines)
        self.assertIn("That was the cause of this:", lines)
        self.assertRegex(text, r'test_export.py", line \d+, in decide')
        self.assertEqual(lines[-1], "ValueError: boom")

    def test_an_endless_recursion_is_shown_in_short(self) -> None:
        with self.assertRaises(RecursionError):
            self.configured("deep").decide(self.cluster.round())
        text = self.cluster.log[0][1]
        self.assertRegex(text, r"\.\.\. \d+ more frames \.\.\.")
        self.assertLess(text.count("\n"), 60)

    def test_an_answer_that_the_contract_cannot_carry_is_logged(self) -> None:
        with self.assertRaises(TypeError):
            self.configured("type").decide(self.cluster.round())
        self.assertIn(r"actions[0].reason: 1.5 must be", self.cluster.log[0][1])

    def test_a_describe_that_gives_something_else(self) -> None:
        class Wrong(Plain):
            @classmethod
            def describe(cls) -> Description:
                return "wrong"  # type: ignore[return-value]

        with self.assertRaises(TypeError):
            Instance(Wrong).describe()
        self.assertIn("Wrong.describe gave 'wrong', not a Description", self.cluster.log[0][1])

    def test_state_is_saved_and_restored(self) -> None:
        instance = Instance(Stateful)
        instance.configure("{}")
        self.assertEqual(instance.save(), Snapshot(1, b"x"))
        instance.restore(Snapshot(1, b"y"))
        with self.assertRaisesRegex(PolicyError, "layout 2 is not 1"):
            instance.restore(Snapshot(2, b""))
        Stateful.saved = Snapshot(-1, b"")
        self.addCleanup(setattr, Stateful, "saved", Snapshot(1, b"x"))
        with self.assertRaisesRegex(TypeError, "save.version: -1 must be"):
            instance.save()


if __name__ == "__main__":
    unittest.main()
