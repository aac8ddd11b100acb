"""How long one sentence takes in a large city, beside a plain search of all names and a JSON parse.

Run as `python -m bots.understanding.benchmark`.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from bots.understanding.reading import Reader
from bots.understanding.vocabulary import (
    DepartmentWords,
    OrganizationWords,
    PractitionerWords,
    SubjectWords,
    Vocabulary,
)
from bots.understanding.words import word_list

ORGANIZATIONS, DEPARTMENTS_EACH, PRACTITIONERS_EACH = 50, 30, 160
_SUBJECTS = word_list("""
    0300 内科 0301 呼吸内科 0302 消化内科 0303 神经内科 0304 心血管内科
    0305 血液内科 0306 肾病学 0307 内分泌 0400 外科 0401 普通外科
    0402 神经外科 0403 骨科 0404 泌尿外科 0405 胸外科 0500 妇产科
    0501 妇科 0502 产科 0700 儿科 0701 新生儿 0800 小儿外科
    0900 儿童保健科 1000 眼科 1100 耳鼻咽喉科 1200 口腔科 1300 皮肤科
    1506 临床心理 1900 肿瘤科 2000 急诊医学科 2100 康复医学科 5000 中医科
""")
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋"
_GIVEN = "建国志强文博立新晓东海涛永康俊杰明远宏伟家栋思远振华春生丽华淑贞雅琴晓燕慧敏玉兰秀英文静"
_PLACES = "安康宁和仁德清源长乐新泰华阳临海东平金山玉泉松江石桥柳河白塔青禾春熙云峰望湖双龙太和"
SENTENCES = (
    "明天上午市人民医院儿科",
    "周三下午皮肤科专家号",
    "挂个后天的妇产科",
    "取消",
    "1",
    "我的预约",
    "xiaoerke",
    "11月25号下午两点以后 王建国医生",
    "市人名医院儿科",
    "您好，麻烦帮我预约一下下周二上午市人民医院的呼吸内科，谢谢",
    "肚子疼挂什么科",
    "把周三的号改到周五下午",
    "报告出来了吗",
    "今天天气不错，我们去散步吧",
    "王主任的号还有吗",
)
_NOW = datetime(2026, 11, 19, 1, 30, tzinfo=UTC)


def _subjects() -> list[tuple[str, str]]:
    return list(zip(_SUBJECTS[::2], _SUBJECTS[1::2], strict=True))


def large_city() -> Vocabulary:
    """50 hospitals, 1 500 departments, 8 000 doctors; the same at every run."""
    dice = random.Random("large city")  # noqa: S311 - a repeatable city, not a secret
    organizations, departments, practitioners = [], [], []
    for number in range(ORGANIZATIONS):
        place = _PLACES[number % (len(_PLACES) // 2) * 2 :][:2]
        kind = ("人民医院", "中医院", "妇幼保健院", "中心卫生院")[number // (len(_PLACES) // 2) % 4]
        name = "健康市人民医院" if number == 0 else f"{place}县{kind}"
        organizations.append(OrganizationWords(f"o{number}", name, district=f"{place}县"))
        rooms = [(f"o{number}.{code}", name, code) for code, name in _subjects()][:DEPARTMENTS_EACH]
        departments += [DepartmentWords(id, f"o{number}", name, code) for id, name, code in rooms]
        for place_in_list in range(PRACTITIONERS_EACH):
            name = dice.choice(_SURNAMES) + "".join(dice.choices(_GIVEN, k=dice.choice((1, 2, 2, 2))))
            room = (rooms[place_in_list % len(rooms)][0],)
            id = f"o{number}:{place_in_list}"
            practitioners.append(PractitionerWords(id, f"o{number}", name, room))
    subjects = tuple(SubjectWords(code, name) for code, name in _subjects())
    return Vocabulary(tuple(organizations), tuple(departments), tuple(practitioners), subjects, "健康市")


@dataclass(frozen=True, slots=True)
class Figures:
    """Microseconds: a sentence, the slowest sentence, a plain search, a JSON parse; and the build."""

    read_us: float
    slowest_us: float
    scan_us: float
    json_us: float
    build_s: float


def measure(rounds: int = 20) -> Figures:
    """Median over the rounds for each of the sentences."""
    vocabulary = large_city()
    started = perf_counter()
    reader = Reader(vocabulary)
    build_s = perf_counter() - started
    names = [hospital.name for hospital in vocabulary.organizations]
    names += [department.name for department in vocabulary.departments]
    names += [doctor.name for doctor in vocabulary.practitioners]
    document = json.dumps([names[:200], SENTENCES], ensure_ascii=False)
    reading = [_median(lambda said=said: reader.read(said, _NOW), rounds) for said in SENTENCES]  # type: ignore[misc]
    scanning = _median(lambda: [name for name in names if name in SENTENCES[0]], rounds)
    parsing = _median(lambda: json.loads(document), rounds)
    return Figures(sum(reading) / len(reading), max(reading), scanning, parsing, build_s)


def _median(action: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = perf_counter()
        action()
        times.append(perf_counter() - started)
    return sorted(times)[rounds // 2] * 1e6


def report(figures: Figures) -> str:
    """The figures as a line for people."""
    scans, parses = figures.read_us / figures.scan_us, figures.read_us / figures.json_us
    return (
        f"one sentence {figures.read_us:.0f} µs (slowest {figures.slowest_us:.0f} µs): "
        f"{scans:.2f} of a plain scan of all names ({figures.scan_us:.0f} µs), "
        f"{parses:.1f} times a JSON parse of 200 names ({figures.json_us:.0f} µs); "
        f"index built in {figures.build_s:.1f} s\n"
    )


if __name__ == "__main__":
    sys.stdout.write(report(measure()))
