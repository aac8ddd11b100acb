"""Reading stays quick in a city of fifty hospitals and eight thousand doctors."""

import sys

import pytest

from bots.understanding.benchmark import large_city, measure, report

pytestmark = pytest.mark.serial


def test_the_measured_city_is_as_large_as_a_real_one():
    city = large_city()
    assert (len(city.organizations), len(city.departments), len(city.practitioners)) == (50, 1_500, 8_000)


def test_a_sentence_takes_less_than_a_millisecond(capsys: pytest.CaptureFixture):
    figures = measure()
    with capsys.disabled():
        sys.stdout.write("\n" + report(figures))
    assert figures.read_us < 1_000
    # On a slow machine the plain search is slow as well: the ratio holds everywhere.
    assert figures.read_us < 4 * figures.scan_us
