"""Settings are read by name, and what is wrong is said with its name."""

from __future__ import annotations

import json
import unittest
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from offerd import PolicyError
from offerd.config import UnknownSettingType, no_settings, number, reader


@dataclass
class Weights:
    cpus: float


class Over(Enum):
    ZONE = "zone"
    HOST = "host"


@dataclass
class Config:
    preempt: bool = False
    min_difference: int = 1
    weights: Weights | None = None
    over: Over = Over.HOST
    names: list[str] = field(default_factory=list)


@dataclass
class Other:
    limits: dict[str, int] = field(default_factory=dict)
    kind: Literal["small", "large", "any"] = "any"
    any: Any = None
    positive: int = 1

    def __post_init__(self) -> None:
        if self.positive <= 0:
            raise ValueError(f"`positive` is {self.positive}; it must be more than 0")


def error(text: str, hint: Any = Config) -> str:
    try:
        reader(hint)(text)
    except PolicyError as error:
        return str(error)
    raise AssertionError(f"{text} was read")


class Settings(unittest.TestCase):
    def test_settings_and_defaults(self) -> None:
        self.assertEqual(reader(Config)("{}"), Config())
        self.assertEqual(reader(Config)("  "), Config())
        text = '{"preempt": true, "weights": {"cpus": 2}, "over": "zone", "names": ["a"]}'
        expected = Config(True, 1, Weights(2.0), Over.ZONE, ["a"])
        self.assertEqual(reader(Config)(text), expected)
        self.assertIs(type(reader(Config)(text).weights.cpus), float)
        self.assertEqual(reader(dict[str, Any])('{"a": [1]}'), {"a": [1]})
        text = '{"limits": {"b": 2, "a": 1}, "kind": "small", "any": [null]}'
        self.assertEqual(reader(Other)(text), Other({"a": 1, "b": 2}, "small", [None]))
        no_settings()("{}")

    def test_large_settings_are_read(self) -> None:
        @dataclass
        class Large:
            text: str
            items: list[int]
            table: dict[str, int]

        table = {f"n{at:04}": at for at in range(10_000)}
        expected = Large("☃" * 350_000, list(range(10_000)), table)
        text = json.dumps(vars(expected), ensure_ascii=False)
        read = reader(Large)(text)
        self.assertGreater(len(read.text.encode()), 1 << 20)
        self.assertTrue(read == expected, "it is not what was written")

    def test_an_unknown_setting_is_named_with_the_known_ones(self) -> None:
        self.assertEqual(
            error('{"pre-empt": true}'),
            "config.pre-empt: there is no such setting; known are `preempt`, `min_difference`, "
            "`weights`, `over`, `names`",
        )
        self.assertEqual(
            error('{"weights": {"cpu": 1}}'),
            "config.weights.cpu: there is no such setting; known are `cpus`",
        )
        with self.assertRaisesRegex(PolicyError, "^config.a: there is no such .* are none$"):
            no_settings()('{"a": 1}')

    def test_a_wrong_value_is_named(self) -> None:
        for text, expected in [
            (
                '{"min_difference": "two"}',
                'config.min_difference: invalid type: string "two", expected a whole number',
            ),
            (
                '{"min_difference": 1.5}',
                "config.min_difference: invalid type: floating point `1.5`, expected a whole "
                "number",
            ),
            (
                '{"weights": {"cpus": true}}',
                "config.weights.cpus: invalid type: boolean `true`, expected f64",
            ),
            ('{"over": "rack"}', "config.over: unknown variant `rack`, expected `zone` or `host`"),
            (
                '{"names": ["a", 2]}',
                "config.names[1]: invalid type: integer `2`, expected a string",
            ),
            ('{"weights": {}}', "config.weights: the setting `cpus` is missing"),
            ('{"preempt": null}', "config.preempt: invalid type: null, expected a boolean"),
            ("[]", "config: invalid type: sequence, expected struct Config"),
        ]:
            self.assertEqual(error(text), expected)
        self.assertEqual(
            error('{"limits": {"a": "b"}}', Other),
            'config.limits.a: invalid type: string "b", expected a whole number',
        )
        self.assertEqual(
            error('{"kind": "huge"}', Other),
            "config.kind: unknown variant `huge`, expected one of `small`, `large`, `any`",
        )
        self.assertEqual(
            error('{"positive": 0}', Other), "config: `positive` is 0; it must be more than 0"
        )
        for text in ("{", '{"names": NaN}', "[" * 100_000):
            self.assertTrue(error(text).startswith("the config is not JSON: "), text[:20])

    def test_a_type_that_json_has_not_is_a_mistake_of_the_policy(self) -> None:
        for hint in (set[str], bytes, int | str, dict[int, str], complex):
            with self.assertRaises(UnknownSettingType):
                reader(hint)

    def test_numbers_are_shown_without_an_exponent(self) -> None:
        shown = [number(value) for value in (-1.0, 1e7, 0.5, -1e-7, 100.0)]
        self.assertEqual(shown, ["-1", "10000000", "0.5", "-0.0000001", "100"])


if __name__ == "__main__":
    unittest.main()
