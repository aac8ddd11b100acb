"""Directions: address, phone and floor of a hospital, or of the appointment that comes next."""

from __future__ import annotations

from typing import ClassVar

from backend.permissions import Permission
from bots.dialogue import Dialogue, Next, NotUnderstood, Option, Say, Talk
from bots.dialogues import mine
from bots.dialogues.asking import MOST_OPTIONS, ask_which, ids_of
from bots.understanding.values import Intent


class Directions(Dialogue):
    """Tells where a place is."""

    name: ClassVar[str] = "directions"
    title: ClassVar[str] = "医院地址和电话"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.DIRECTIONS,)
    keeps: ClassVar[tuple[Intent, ...]] = (Intent.BOOK,)
    needs: ClassVar[Permission | None] = None

    async def start(self, talk: Talk) -> Next:
        """The place that was named; else that of the next appointment; else which."""
        departments = ids_of(talk.understood.slots.departments)
        hospitals = ids_of(talk.understood.slots.organizations)
        if len(departments) == 1:
            return await self._tell(talk, f"d:{departments[0]}")
        if len(hospitals) == 1:
            return await self._tell(talk, f"o:{hospitals[0]}")
        if not departments and not hospitals and talk.actor.may(Permission.RESIDENT_APPOINTMENTS_READ):
            views = await mine.upcoming(talk)
            if views:
                told = await self._about(talk, f"d:{views[0].claim.department_id}")
                return Say(f"您最近的预约：{mine.line(views[0])}\n{told}")
        return await self._which(talk, departments, hospitals)

    async def hospital(self, talk: Talk) -> Next:
        """The answer to which hospital."""
        if talk.chosen:
            return await self._tell(talk, talk.chosen)
        slots = talk.understood.slots
        if not talk.said or slots.organizations or slots.departments:
            return await self.start(talk)
        return NotUnderstood("请回复序号，或直接说医院名称。")

    async def _which(self, talk: Talk, departments: list[str], hospitals: list[str]) -> Next:
        directory = talk.services.directory
        known = (await directory.departments_by_id(departments)).values()
        owners = hospitals or [each.organization_id for each in known]
        if owners:
            found = list((await directory.organizations_by_id(dict.fromkeys(owners))).values())
        else:
            found, _ = await directory.list_organizations(limit=MOST_OPTIONS)
        options = [Option(f"o:{each.id}", each.name) for each in found]
        return ask_which(talk, "您要去哪家医院？也可以直接说名称。", "hospital", options)

    async def _tell(self, talk: Talk, place: str) -> Next:
        return Say(await self._about(talk, place))

    async def _about(self, talk: Talk, place: str) -> str:
        directory = talk.services.directory
        kind, _, found = place.partition(":")
        department = await directory.get_department(found) if kind == "d" else None
        organization = await directory.get_organization(department.organization_id if department else found)
        lines = [
            organization.name,
            f"地址：{organization.address or '没有登记，请致电询问'}",
            f"电话：{organization.phone or '没有登记'}",
        ]
        if department:
            lines.append(f"{department.name}：{department.place or '位置没有登记，到院请问导诊台'}")
        return "\n".join(lines)
