"""From an institution's full name, the shorter ones that people use: 健康市第二人民医院 → 市二院, 二院."""

from __future__ import annotations

import re

_PLACE = re.compile(r"^[\u4e00-\u9fff]{1,6}?(?:街道|[市县区镇乡])(?=[\u4e00-\u9fff]{2,})")
_NUMBERED = re.compile(r"^第([一二三四五六七八九十]+)(?:人民|中心)?医院$")
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("中医医院", ("中医院",)),
    ("中医院", ("中医医院",)),
    ("妇幼保健院", ("妇幼", "妇幼医院", "妇保院", "妇幼院", "妇幼保健医院", "妇幼保健所", "妇保")),
    ("妇幼保健计划生育服务中心", ("妇幼", "妇幼保健院", "妇幼医院")),
    ("儿童医院", ("儿医",)),
    ("社区卫生服务中心", ("社区", "社区医院", "社区中心", "社区卫生院", "社区服务中心")),
    ("中心卫生院", ("卫生院",)),
    ("精神卫生中心", ("精神病院", "精卫中心")),
    ("人民医院", ("医院",)),
)


def spoken_names(name: str, city_name: str, district: str) -> set[str]:
    """The shorter names, without the name itself; some are shared by several institutions."""
    own, places = _without_place(name, city_name, district)
    bases = {own, *_swapped(own)}
    names = set(bases)
    for place in places:
        names |= {place + base for base in bases}
    # 医院 alone names nothing, and 县医院 is the one hospital of that county.
    return {found for found in names if len(found) >= 2 and found not in {"医院", name}}


def _without_place(name: str, city_name: str, district: str) -> tuple[str, tuple[str, ...]]:
    """The name without where it is, and what may be said for the place."""
    bare_city = city_name.removesuffix("市")
    if bare_city and name.startswith(bare_city):
        rest = name.removeprefix(bare_city).removeprefix("市")
        return rest, (bare_city + "市", bare_city, "市")
    if district and name.startswith(district):
        return name.removeprefix(district), (district, district[:-1], district[-1])
    match = _PLACE.match(name)
    if match is None:
        return name, ()
    place = match[0]
    bare = place.removesuffix("街道") if place.endswith("街道") else place[:-1]
    return name[len(place) :], (place, bare)


def _swapped(own: str) -> set[str]:
    """The kind said otherwise: 第二人民医院 → 二院, 妇幼保健院 → 妇幼."""
    names = {own[: -len(kind)] + short for kind, shorts in _KINDS if own.endswith(kind) for short in shorts}
    numbered = _NUMBERED.match(own)
    if numbered:
        number = numbered[1]
        names |= {
            f"{number}院",
            f"第{number}医院",
            f"{number}医院",
            f"第{number}人民医院",
            f"{number}人民医院",
        }
        names |= {"人民医院"} if number == "一" else set()
    return names - {""}
