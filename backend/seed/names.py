"""Made-up people: names, and ID numbers that check but whose county does not exist."""

from __future__ import annotations

import random
from datetime import date

from backend.residents.id_numbers import check_digit

# Shandong has no county 370799: a number that begins so belongs to nobody.
NOWHERE = "370799"

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余"
    "于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙"
)
_MALE = (
    "建国志强文博立新晓东海涛永康俊杰明远宏伟家栋思远振华春生庆林"
    "长青国栋书恒景行子墨浩然致远泽宇守正德厚元培怀仁济民云飞学文"
)
_FEMALE = (
    "丽华淑贞雅琴晓燕慧敏玉兰秀英文静佳宁若兰书瑶思颖月梅春霞婉清"
    "素云嘉怡静姝可欣雨桐海棠明珠凤仪采薇念慈知夏安然惠芳彩霞红英"
)


# Residents have other family names than doctors, so that nobody's name stands in the public directory.
RESIDENT_SURNAMES = "柳温戚祝樊霍苗葛翁庄柯骆"


class Names:
    """Gives out full names, each once."""

    def __init__(self, seed: str, surnames: str = _SURNAMES) -> None:
        self._dice = random.Random(seed)
        self._surnames = surnames
        self._used: set[str] = set()

    def next(self, *, male: bool | None = None, surname: str | None = None) -> str:
        """A name nobody in this city has yet."""
        while True:
            given = self._given(_MALE if self._is_male(male) else _FEMALE)
            name = (surname or self._dice.choice(self._surnames)) + given
            if name not in self._used:
                self._used.add(name)
                return name

    def _given(self, names: str) -> str:
        start = self._dice.randrange(len(names) // 2) * 2
        return names[start : start + 2]

    def _is_male(self, male: bool | None) -> bool:
        return self._dice.random() < 0.5 if male is None else male


def id_number(born_on: date, sequence: int, *, male: bool) -> str:
    """An ID number of the county that does not exist; `sequence` 0 to 499 within a day and sex."""
    order = sequence * 2 + (1 if male else 0)
    first_17 = f"{NOWHERE}{born_on:%Y%m%d}{order:03d}"
    return first_17 + check_digit(first_17)
