"""Masked forms of personal data, for answers and pages that must not show the whole."""

from __future__ import annotations

# The two-character family names that are common enough to be masked as a whole.
_COMPOUND_SURNAMES = frozenset({
    "欧阳", "上官", "司马", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "长孙", "宇文",
    "司徒", "夏侯", "轩辕", "端木", "南宫", "西门", "独孤", "百里", "呼延", "闻人", "澹台", "公冶",
    "宗政", "濮阳", "淳于", "单于", "太叔", "申屠", "仲孙", "钟离", "鲜于", "闾丘", "司空", "亓官",
    "司寇", "拓跋", "万俟", "赫连",
})  # fmt: skip


def mask_phone(phone: str) -> str:
    """13812345678 becomes 138****5678."""
    if len(phone) < 8:
        return "*" * len(phone)
    return f"{phone[:3]}{'*' * (len(phone) - 7)}{phone[-4:]}"


def mask_name(name: str) -> str:
    """Keep the family name: 张三丰 becomes 张**, 欧阳修 becomes 欧阳*."""
    kept = 2 if len(name) > 2 and name[:2] in _COMPOUND_SURNAMES else 1
    return name[:kept] + "*" * max(len(name) - kept, 1) if name else ""


def mask_id_number(id_number: str) -> str:
    """Keep the first three and the last four characters."""
    if len(id_number) < 10:
        return "*" * len(id_number)
    return f"{id_number[:3]}{'*' * (len(id_number) - 7)}{id_number[-4:]}"
