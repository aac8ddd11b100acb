"""What stands on paper: a report, and a person's whole file, put into the parts of a document. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from backend import clock
from backend.reports.flags import NOTABLE, Flag
from backend.reports.models import Item, Report, ReportState
from backend.reports.paper import Paper, Part, Row

# Never to be taken for what the hospital itself has signed.
RENDERING = "本文件由{city}按医院上传的数据排版生成，不是医院签发的原件。"
_SHORT = {
    Flag.HIGH: "↑ 偏高",
    Flag.VERY_HIGH: "↑↑ 明显偏高",
    Flag.LOW: "↓ 偏低",
    Flag.VERY_LOW: "↓↓ 明显偏低",
    Flag.ABNORMAL: "异常",
    Flag.POSITIVE: "阳性",
    Flag.NEGATIVE: "阴性",
    Flag.NORMAL: "正常",
    Flag.UNKNOWN: "",
}
_STATES = {
    ReportState.PRELIMINARY: "初步结果（非正式报告）",
    ReportState.CORRECTED: "已更正",
    ReportState.FINAL: "正式报告",
}


def of_report(report: Report, *, city: str, place: str, patient: str) -> Paper:
    """One report."""
    facts = (
        ("姓名", patient),
        ("医院", place),
        ("状态", _STATES.get(report.state, "")),
        ("采样或检查时间", moment(report.at)),
        ("报告时间", moment(report.issued_at) if report.issued_at else ""),
        ("报告医生", "、".join(report.doctors)),
    )
    return Paper(report.title, RENDERING.format(city=city), clock.now(), facts, tuple(report_parts(report)))


def report_parts(report: Report) -> Iterable[Part]:
    """Conclusion and results."""
    if report.conclusion:
        yield Part("结论", text=report.conclusion)
    if report.items:
        yield Part(
            "结果",
            columns=("项目", "结果", "单位", "参考范围", "提示"),
            widths=(34, 18, 14, 20, 16),
            rows=tuple(_row(item) for item in report.items),
        )


def _row(item: Item) -> Row:
    hint = "危急值" if item.critical else _SHORT[item.flag]
    return Row((item.name, item.value, item.unit, item.range.text, hint), marked=item.flag in NOTABLE)


def moment(at: datetime) -> str:
    """2026-01-05 09:30, in the city's time."""
    return f"{at.astimezone(clock.CITY_ZONE):%Y-%m-%d %H:%M}"
