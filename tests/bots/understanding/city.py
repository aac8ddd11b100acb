"""A small made-up city whose ids can be read: `rm.0700` is the paediatrics of hospital `rm`."""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from bots.understanding.vocabulary import (
    DepartmentWords,
    OrganizationWords,
    PractitionerWords,
    SubjectWords,
    Vocabulary,
)

# Thursday, 19 November 2026, 9:30 in the morning in the city.
NOW = datetime(2026, 11, 19, 1, 30, tzinfo=UTC)

_CODES = Path(__file__).parents[3] / "backend" / "directory" / "department_codes.json"

_ORGANIZATIONS = (
    OrganizationWords("rm", "健康市人民医院", "市人民医院"),
    OrganizationWords("zy", "健康市中医院", "市中医院"),
    OrganizationWords("et", "健康市儿童医院", "儿童医院"),
    OrganizationWords("fy", "健康市妇幼保健院", "市妇幼"),
    OrganizationWords("d2", "健康市第二人民医院", "市二院"),
    OrganizationWords("kn", "康宁县人民医院", "康宁县医院", district="康宁县"),
    OrganizationWords("cx", "春熙街道社区卫生服务中心", "春熙社区"),
    OrganizationWords("lh", "柳河镇中心卫生院", "柳河卫生院", district="康宁县"),
    OrganizationWords("kq", "健康市口腔医院", "口腔医院"),
)

_DEPARTMENTS = {
    "rm": "0301 呼吸内科 0302 消化内科 0303 神经内科 0304 心血管内科 0307 内分泌科 0401 普通外科 0403 骨科 "
    "0404 泌尿外科 0500 妇产科 0700 儿科 1000 眼科 1100 耳鼻咽喉科 1200 口腔科 1300 皮肤科 1506 临床心理科 "
    "2000 急诊科",
    "zy": "5001 中医内科 5003 中医妇科 5010 骨伤科 5011 肛肠科 5013 针灸科 5014 推拿科 1300 皮肤科",
    "et": "0700 儿内科 0703 小儿消化科 0704 小儿呼吸科 0800 小儿外科 0900 儿童保健科",
    "fy": "0501 妇科 0502 产科 0505 生殖健康科 0701 新生儿科 0900 儿童保健科",
    "d2": "0300 内科 0400 外科 0403 骨科 0700 儿科 1000 眼科 1300 皮肤科",
    "kn": "0300 内科 0400 外科 0403 骨科 0500 妇产科 0700 儿科 5000 中医科",
    "cx": "0100 预防接种门诊 0200 全科门诊 5000 中医馆",
    "lh": "0100 预防接种门诊 0200 全科门诊",
    "kq": "1200 口腔综合科 1202 口腔颌面外科 1203 正畸科 1204 口腔修复科",
}

_PRACTITIONERS = (
    "rm:0301:王丽华 rm:0302:曾庆华 rm:0303:黄海波 rm:0304:张伟 rm:0403:王建国 rm:0700:陈静 rm:1000:高明 "
    "rm:1200:林晓东 rm:1300:李秀英 zy:5001:徐明月 zy:5010:单雄 zy:5013:孙丽 et:0700:赵敏 et:0704:欧阳娜 "
    "fy:0501:吕小燕 fy:0502:刘芳 d2:0400:马超 d2:0403:王志强 d2:1300:周一鸣 kn:0300:张伟 kn:0500:郭晓燕 "
    "cx:0200:杨帆 lh:0200:何安 kq:1203:孙莉"
)


@cache
def city() -> Vocabulary:
    """The whole vocabulary, with the national list of subjects that the city really uses."""
    rows = json.loads(_CODES.read_text(encoding="utf-8"))["codes"]
    return Vocabulary(
        organizations=_ORGANIZATIONS,
        departments=tuple(_departments()),
        practitioners=tuple(_practitioner(entry) for entry in _PRACTITIONERS.split()),
        subjects=tuple(SubjectWords(r["code"], r["name"], tuple(r.get("aliases", ()))) for r in rows),
        city_name="健康市",
    )


def _departments() -> list[DepartmentWords]:
    entries = []
    for organization, text in _DEPARTMENTS.items():
        words = text.split()
        for code, name in zip(words[::2], words[1::2], strict=True):
            entries.append(DepartmentWords(f"{organization}.{code}", organization, name, code))
    return entries


def _practitioner(entry: str) -> PractitionerWords:
    organization, code, name = entry.split(":")
    return PractitionerWords(f"{organization}:{name}", organization, name, (f"{organization}.{code}",))
