"""What the console's forms and filters have in common: their base types and how a refusal is worded."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.errors import AppError, ErrorCode
from backend.http.schema import WrittenDay

# Not at the edge of what a calendar can count: there is a day before it and a day after.
Day = Annotated[WrittenDay, Field(ge=date(1900, 1, 1), le=date(9000, 1, 1))]


class Form(BaseModel):
    """A form: its fields' titles are the words beside the boxes."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)


class Filters(BaseModel):
    """What a list shows, from its address."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    cursor: str = Field("", max_length=200, title="翻页位置")


class ReasonForm(Form):
    """Something that must be justified before it is done."""

    reason: str = Field("", max_length=200, title="原因")

    def given(self) -> str:
        """The reason; REASON_REQUIRED when there is none."""
        if not self.reason:
            raise AppError(ErrorCode.REASON_REQUIRED)
        return self.reason


class Period(Filters):
    """A list with a first and a last day."""

    from_on: Day | None = Field(None, title="开始日期")
    to_on: Day | None = Field(None, title="结束日期")


_PROBLEMS = {
    "missing": "请填写",
    "string_too_short": "请填写",
    "string_too_long": "太长",
    "enum": "不在可选范围内",
    "date_from_datetime_parsing": "不是有效的日期",
    "date_parsing": "不是有效的日期",
    "int_parsing": "须为整数",
}


def form_problem(kind: type[BaseModel], error: ValidationError) -> AppError:
    """A refusal that names the boxes by their titles and never repeats what was typed."""
    said = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        field = kind.model_fields.get(name)
        title = (field.title if field else None) or name
        said.append(f"{title}：{_PROBLEMS.get(item['type'], '填写有误')}")
    return AppError(ErrorCode.BAD_REQUEST, "form", text="；".join(dict.fromkeys(said)) + "。")
