"""The list of locations that are hospitals we know: what it may look like, what is said about its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.imports.mapping import MappingError, read_mapping

GOOD = {"0": "A", "朝阳门诊": "B"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.csv", "location,organization\n0,A\n朝阳门诊,B\n"),
        ("map.csv", "0,A\r\n\r\n 朝阳门诊 , B \r\n"),
        ("map.csv", '\ufeff地点,机构\n"0",A\n"朝阳门诊",B'),
        ("map.json", '{"0": "A",\n "朝阳门诊": "B"}'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_spreadsheets_and_json_are_read(tmp_path: Path, name: str, text: str, encoding: str):
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    assert read_mapping(file).organizations() == GOOD


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "map.csv",
            "0,A\n1\n2,\n3,C,D\n",
            ["map.csv:2: a line", "map.csv:3: a line", "map.csv:4: a line"],
        ),
        ("map.csv", "0,A\n1,B\n0,C\n", ["map.csv:3: the location '0' has been named before (line 1)"]),
        ("map.csv", "location,organization\n", ["map.csv: it names no location"]),
        ("map.json", '{"0": "A",\n"1": }', ["map.json:2: it is not JSON"]),
        ("map.json", '{"0": "A",\n"1": 7}', ["map.json:2: a line is"]),
        ("map.json", '{"0": "A",\n"0": "B"}', ["map.json:1: the location '0' has been named before"]),
        ("map.json", "[1, 2]", ["map.json: write an object"]),
        ("map.json", "7", ["map.json: write an object"]),
    ],
)
def test_every_line_that_is_wrong_is_named(tmp_path: Path, name: str, text: str, said: list[str]):
    (tmp_path / name).write_text(text)
    with pytest.raises(MappingError) as refused:
        read_mapping(tmp_path / name)
    lines = str(refused.value).splitlines()
    assert len(lines) == len(said), lines
    assert all(line.startswith(expected) for line, expected in zip(lines, said, strict=True)), lines


def test_a_file_that_is_not_there_or_no_text_is_said_so(tmp_path: Path):
    with pytest.raises(MappingError, match="cannot be read: No such file"):
        read_mapping(tmp_path / "nowhere.csv")
    (tmp_path / "map.csv").write_bytes(b"\xff\xff\xff")
    with pytest.raises(MappingError, match="neither UTF-8 nor GB 18030"):
        read_mapping(tmp_path / "map.csv")
