"""The drawing of a graph of steps: what must be done before stands above, nothing lies over anything."""

from itertools import combinations

from admin.step_graph import BOX_HEIGHT, BOX_WIDTH, draw

BIRTHS = {
    "certificate": (),
    "vaccination": ("certificate",),
    "household": ("certificate",),
    "insurance": ("household",),
    "card": ("household",),
    "claim": ("insurance",),
}


def test_what_must_be_done_before_stands_above() -> None:
    drawing = draw(BIRTHS)
    y = {box.code: box.y for box in drawing.boxes}
    assert all(y[before] < y[code] for code, needed in BIRTHS.items() for before in needed)
    assert y["insurance"] == y["card"] > y["household"] == y["vaccination"]
    assert {(arrow.before, arrow.after) for arrow in drawing.arrows} == {
        (before, code) for code, needed in BIRTHS.items() for before in needed
    }


def test_no_box_lies_over_another_or_outside() -> None:
    drawing = draw(BIRTHS)
    for one, other in combinations(drawing.boxes, 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
    assert all(0 <= box.x <= drawing.width - BOX_WIDTH for box in drawing.boxes)
    assert all(0 <= box.y <= drawing.height - BOX_HEIGHT for box in drawing.boxes)


def test_steps_that_are_not_drawn_leave_no_arrow() -> None:
    drawing = draw({"insurance": ("household",)})
    assert [box.code for box in drawing.boxes] == ["insurance"]
    assert not drawing.arrows
    assert draw({}).boxes == ()
