"""What a member of staff does in the console."""

from __future__ import annotations

from backend.permissions import Role
from tests.browser.town import Town
from tests.browser.window import Window
from tests.factories.staff import KnownStaff, make_staff


async def sign_in(window: Window, town: Town, role: Role) -> None:
    """A fresh member of this role signs in with password and code; those of hospitals work in the town's."""
    in_hospital = role in (Role.HOSPITAL_OPERATOR, Role.DOCTOR)
    scope = frozenset({town.hospital.id}) if in_hospital else None
    await sign_in_as(window, await make_staff(town.city.city.services.staff, role, organization_ids=scope))


async def sign_in_as(window: Window, known: KnownStaff) -> None:
    """This member signs in with password and code."""
    page = await window.open("/admin/")
    await page.get_by_label("登录名").fill(known.login)
    await page.get_by_label("密码").fill(known.password)
    await page.get_by_role("button", name="下一步").click()
    await page.get_by_label("手机验证器中的6位数字").fill(known.code())
    await page.get_by_role("button", name="登录").click()
    await page.wait_for_selector(".side")
