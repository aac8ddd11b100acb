"""What the pages of targets and lights say."""

from __future__ import annotations

from backend.statistics.kpi_models import Light

# Words first, colours and shapes beside them.
LIGHTS: dict[Light, str] = {Light.GREEN: "达标", Light.AMBER: "接近目标", Light.RED: "未达标"}
RULE = (
    "绿灯：达到目标；黄灯：差距在容差以内；红灯：差距超过容差。没有目标、没有数字或数字不显示的不亮灯。"
    "本月未结束时，数量类指标按已过天数折算应达数。"
)
