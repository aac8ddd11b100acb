"""What the city's board says beside its figures."""

from __future__ import annotations

HIDDEN = "不显示"
HIDDEN_WHY = "人数少于 5 或能由此推算出来的数字不显示，以免认出个人；本机构的人看本机构不受此限。"
NONE = "—"
BY = {"day": "按日", "month": "按月"}
PLACES = {"district": "各区县", "organization": "各机构"}
BEFORE_IS_ZERO = "上期为 0"
POINTS = "个百分点"
# What the audit log calls what is done here.
ACTIONS = {
    "board.exported": "导出看板",
    "board.report": "下载月报",
    "walls.made": "生成大屏链接",
    "walls.revoked": "停用大屏链接",
}
# What a page says after something was done.
DONE = {
    "wall-revoked": "链接已停用，用它的屏幕将在半分钟内停止显示。",
    "targets-imported": "目标已导入。",
}
