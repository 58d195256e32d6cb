"""What native Python values become, those of other packages included."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import types
import uuid
from typing import Any, ClassVar

import attrs
import numpy as np
import pandas as pd
import pydantic
import pytest
import vambe

SAMPLE = {
    "channel": "whatsapp",
    "channel_phone_number": "+56987654321",
    "contact_phone_number": "+56912345678",
}
UTC = datetime.timezone.utc
ID = uuid.UUID("550e8400-e29b-41d4-a716-446655440000")


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Name(str):
    __slots__ = ()


@dataclasses.dataclass
class Point:
    x: int
    y: int
    kind: ClassVar[str] = "no field"


@attrs.define
class Box:
    inside: Any
    _hidden: int = 1


class Model(pydantic.BaseModel):
    when: datetime.date
    nested: list[Point]


def meta(value: object) -> Any:
    return json.loads(vambe.prepare({**SAMPLE, "meta_data": {"x": value}}).body)["meta_data"]["x"]


def refusals(value: object) -> list[tuple[list[str | int], str]]:
    found = vambe.validate({**SAMPLE, "meta_data": {"x": value}}).violations
    return [(violation.path[1:], violation.code) for violation in found]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (Name("Ana"), "Ana"),
        (True, True),
        (2**64 - 1, 2**64 - 1),
        (decimal.Decimal("1.50"), "1.50"),
        (ID, str(ID)),
        (datetime.date(2024, 9, 30), "2024-09-30"),
        (datetime.datetime(2024, 9, 30, 10, tzinfo=UTC), "2024-09-30T10:00:00.000Z"),
        ((1, [2]), [1, [2]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.UserDict(a=1), {"a": 1}),
        (Point(1, 2), {"x": 1, "y": 2}),
        (Box(Point(1, 2)), {"inside": {"x": 1, "y": 2}, "_hidden": 1}),
        (
            Model(when=datetime.date(2024, 1, 2), nested=[Point(1, 2)]),
            {"when": "2024-01-02", "nested": [{"x": 1, "y": 2}]},
        ),
        (np.int64(7), 7),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(0.5), 0.5),
        (np.float64(1.0), 1),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        (np.array(7), 7),
        (np.str_("Ana"), "Ana"),
        (np.datetime64("2024-09-30"), "2024-09-30"),
        (pd.Timestamp("2024-09-30T10:00:00.000000001Z"), "2024-09-30T10:00:00.000000001Z"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_becomes(value: object, expected: object) -> None:
    assert meta(value) == expected


@pytest.mark.parametrize(
    ("value", "path", "code"),
    [
        ([{"a": b"x"}], ["x", 0, "a"], "unsupported_type"),
        (bytearray(b"x"), ["x"], "unsupported_type"),
        (print, ["x"], "unsupported_type"),
        (iter([1]), ["x"], "unsupported_type"),
        (1j, ["x"], "unsupported_type"),
        (np.array([1, 2]), ["x"], "unsupported_type"),
        (pd.Series([1]), ["x"], "unsupported_type"),
        (datetime.timedelta(1), ["x"], "unsupported_type"),
        (2**64, ["x"], "integer_range"),
        (-(2**63) - 1, ["x"], "integer_range"),
        (datetime.datetime(2024, 9, 30), ["x"], "naive_datetime"),
        (np.datetime64("2024-09-30T10:00:00", "ns"), ["x"], "naive_datetime"),
        ([Point(float("nan"), 0)], ["x", 0, "x"], "not_finite"),  # type: ignore[arg-type]
        (Box("\ud800"), ["x", "inside"], "lone_surrogate"),
        ({"a": {1: 2}}, ["x", "a"], "non_text_key"),
        (pd.NA, ["x"], "not_finite"),
        (pd.NaT, ["x"], "not_finite"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refusal_names_its_path(value: object, path: list[str | int], code: str) -> None:
    assert refusals(value) == [(path, code)]


def test_a_cycle_through_objects_is_found() -> None:
    box = Box(None)
    box.inside = [box]
    assert refusals(box) == [(["x", "inside", 0], "cycle")]
    shared = [1]
    assert meta([shared, shared]) == [[1], [1]]


def test_depth_is_limited_and_safe() -> None:
    deep: Any = None
    for _ in range(100_000):
        deep = [deep]
    assert [code for _, code in refusals(deep)] == ["too_deep"]
    while deep:
        deep = deep.pop()


@pytest.mark.parametrize("missing", [float("nan"), np.nan, np.datetime64("NaT"), pd.NA, pd.NaT, None, ""], ids=repr)
def test_the_missing_markers_of_data_frames_are_dropped(missing: object) -> None:
    prepared = vambe.prepare({**SAMPLE, "contact_name": missing, "custom_field_values": {"a": missing}})
    assert [change.path for change in prepared.changes if change.action == "dropped"] == [
        ["contact_name"],
        ["custom_field_values", "a"],
    ]


def test_what_an_object_raises_comes_through() -> None:
    class Broken(collections.UserDict[str, int]):
        def items(self) -> Any:
            raise LookupError("no items today")

    with pytest.raises(LookupError, match="no items today"):
        vambe.validate({**SAMPLE, "meta_data": {"x": Broken()}})


@dataclasses.dataclass
class Customer:
    channel: str
    contact_phone_number: str
    channel_phone_number: str = "+56987654321"
    stage_id: uuid.UUID | None = None


class PydanticCustomer(pydantic.BaseModel):
    channel: str
    channel_phone_number: str
    contact_phone_number: str


AttrsCustomer = attrs.make_class("AttrsCustomer", list(SAMPLE))


@pytest.mark.parametrize(
    "record",
    [
        SAMPLE,
        collections.OrderedDict(SAMPLE),
        types.MappingProxyType(SAMPLE),
        Customer("whatsapp", "+56912345678"),
        PydanticCustomer(**SAMPLE),
        AttrsCustomer(**SAMPLE),
        pd.DataFrame([SAMPLE]).to_dict("records")[0],
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_may_be_any_of(record: object) -> None:
    assert vambe.prepare(record).body == vambe.prepare(SAMPLE).body


@pytest.mark.parametrize("record", ["text", 1, [SAMPLE], None, print, {1: 2}, {"\ud800": 1}], ids=repr)
def test_a_record_that_is_no_object_is_refused(record: object) -> None:
    with pytest.raises(vambe.ValidationError):
        vambe.prepare(record)


def test_a_uuid_is_an_id() -> None:
    body = vambe.prepare({**SAMPLE, "stageId": ID, "external_user_id": np.int64(7)}).body
    assert json.loads(body)["stageId"] == str(ID)
    assert json.loads(body)["external_user_id"] == "7"
