"""Finding and publishing directory entries on a real database."""

import asyncio
from dataclasses import replace

import pytest

from backend.db.client import Database
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.models import Outcome
from backend.directory.service import DirectoryService
from backend.errors import AppError, ErrorCode
from tests.factories.directory import (
    a_department,
    a_practitioner,
    an_organization,
    hospital_client,
    make_hospital,
)


async def test_saving_the_same_entry_again_changes_nothing(directory: DirectoryService, db: Database):
    organization = an_organization()
    assert await directory.save_organizations([organization]) == [Outcome.CREATED]
    before = await db.collection("organizations").find_one({"_id": organization.id})
    assert await directory.save_organizations([organization]) == [Outcome.UNCHANGED]
    assert await db.collection("organizations").find_one({"_id": organization.id}) == before


async def test_a_change_is_written_and_counted(directory: DirectoryService, db: Database):
    organization = an_organization()
    await directory.save_organizations([organization])
    moved = replace(organization, address="新址2号")
    assert await directory.save_organizations([moved]) == [Outcome.UPDATED]
    assert await directory.get_organization(organization.id) == moved
    stored = await db.collection("organizations").find_one({"_id": organization.id})
    assert stored is not None
    assert stored["version"] == 2


async def test_two_savers_at_once_leave_one_entry(directory: DirectoryService, db: Database):
    organization = an_organization()
    await asyncio.gather(*(directory.save_organizations([organization]) for _ in range(8)))
    assert await db.collection("organizations").count_documents({}) == 1


async def test_pages_show_every_institution_once_and_highest_level_first(directory: DirectoryService):
    levels = list(HospitalLevel)
    made = [an_organization(f"h{n}", name=f"第{n}医院", level=levels[n % len(levels)]) for n in range(23)]
    await directory.save_organizations(made)
    seen = []
    cursor = None
    while True:
        page, cursor = await directory.list_organizations(limit=5, cursor=cursor)
        seen += page
        if cursor is None:
            break
    assert sorted(entry.id for entry in seen) == sorted(entry.id for entry in made)
    ranks = [levels.index(entry.level) for entry in seen]
    assert ranks == sorted(ranks)


async def test_a_list_may_be_narrowed_by_kind_and_name(directory: DirectoryService):
    await directory.save_organizations(
        [
            an_organization("a", name="康宁中医院", kind=OrganizationKind.TCM),
            an_organization("b", name="康宁医院"),
            an_organization("c", name="安丘中医院", kind=OrganizationKind.TCM),
            an_organization("d", name="康宁旧医院", active=False),
        ]
    )
    found, _ = await directory.list_organizations(q="kn", kind=OrganizationKind.TCM)
    assert [entry.name for entry in found] == ["康宁中医院"]
    found, _ = await directory.list_organizations(q="康宁")
    assert {entry.name for entry in found} == {"康宁中医院", "康宁医院"}


@pytest.mark.parametrize("cursor", ["x", "!!!", "AAAA", "5Lit", "\x00"])
async def test_a_cursor_that_is_none_is_refused(directory: DirectoryService, cursor):
    with pytest.raises(AppError) as refused:
        await directory.list_organizations(cursor=cursor)
    assert refused.value.code is ErrorCode.BAD_REQUEST


async def test_what_is_not_there_is_not_found(directory: DirectoryService):
    for ask in (directory.get_organization, directory.get_department, directory.get_practitioner,
                directory.list_departments, directory.list_practitioners):  # fmt: skip
        with pytest.raises(AppError) as refused:
            await ask("nobody")
        assert refused.value.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize(
    ("query", "departments", "practitioners"),
    [
        ("心血管", ["心血管内科"], []),
        ("xxgnk", ["心血管内科"], []),
        ("心内", ["心血管内科"], []),  # what residents call it
        ("gaoxueya", ["心血管内科"], []),
        ("shanlihua", [], ["单丽华"]),
        ("市一院 心血管", ["心血管内科"], []),
        ("心血管 单", [], ["单丽华"]),
        ("xnk slh", [], ["单丽华"]),
        ("外科", [], []),
        ("  ", [], []),
    ],
)
async def test_search_finds_departments_and_doctors(
    directory: DirectoryService, query, departments, practitioners
):
    await make_hospital(directory)
    found = await directory.search(query)
    assert [entry.name for entry in found.departments] == departments
    assert [entry.name for entry in found.practitioners] == practitioners


async def test_the_closest_name_comes_first(directory: DirectoryService):
    names = ["康宁区人民医院", "人民医院", "人民医院东院", "市人民医院西院"]
    await directory.save_organizations([an_organization(name, name=name, short_name=name) for name in names])
    found = await directory.search("人民医院")
    assert [entry.name for entry in found.organizations][:2] == ["人民医院", "人民医院东院"]
    assert len(found.organizations) == 4


async def test_what_looks_like_a_pattern_is_only_text(directory: DirectoryService):
    await make_hospital(directory)
    for query in (".*", "^", "[", "\\", "$where", "(a+)+$", "\x00"):
        found = await directory.search(query)
        assert not found.organizations


async def test_an_entry_out_of_use_is_not_offered_but_still_named(directory: DirectoryService):
    organization, department, practitioner = await make_hospital(directory)
    await directory.save_practitioners([replace(practitioner, active=False)])
    assert await directory.list_practitioners(department.id) == []
    assert (await directory.search("单丽华")).practitioners == ()
    assert (await directory.get_practitioner(practitioner.id)).name == "单丽华"
    assert organization.active


async def test_departments_come_in_the_national_order_and_doctors_by_seniority(directory: DirectoryService):
    organization, department, _ = await make_hospital(directory)
    await directory.save_departments(
        [
            a_department(organization, "d2", name="口腔科", code="1200"),
            a_department(organization, "d3", name="全科", code="0200"),
        ]
    )
    await directory.save_practitioners(
        [
            a_practitioner(organization, department, value="p2", name="安平", title="副主任医师"),
            a_practitioner(organization, department, value="p3", name="白杨", title="住院医师"),
        ]
    )
    departments = await directory.list_departments(organization.id)
    assert [entry.name for entry in departments] == ["全科", "心血管内科", "口腔科"]
    practitioners = await directory.list_practitioners(department.id)
    assert [entry.name for entry in practitioners] == ["单丽华", "安平", "白杨"]


async def test_a_hospital_publishes_by_its_own_ids(directory: DirectoryService):
    organization = an_organization()
    await directory.save_organizations([organization])
    client = hospital_client(organization)
    department = await directory.publish_department(client, "XNK", name="心内科", code="3.4", place="3层")
    assert (department.code, department.organization_id) == ("0304", organization.id)
    practitioner = await directory.publish_practitioner(
        client, "007", name="安平", title="主治医师", specialty="", intro="", department_external_ids=["XNK"]
    )
    assert practitioner.department_ids == (department.id,)
    assert await directory.access_department(client, "XNK") == department
    assert await directory.access_practitioner(client, "007") == practitioner


async def test_two_hospitals_may_use_the_same_id_and_never_see_each_other(directory: DirectoryService):
    ours, theirs = an_organization("ours"), an_organization("theirs")
    await directory.save_organizations([ours, theirs])
    await directory.publish_department(hospital_client(ours), "D", name="内科", code="03", place="")
    with pytest.raises(AppError) as refused:
        await directory.access_department(hospital_client(theirs), "D")
    assert refused.value.code is ErrorCode.NOT_FOUND
    await directory.publish_department(hospital_client(theirs), "D", name="外科", code="04", place="")
    assert (await directory.access_department(hospital_client(ours), "D")).name == "内科"


async def test_an_unknown_code_and_an_unknown_department_are_refused_by_name(directory: DirectoryService):
    organization = an_organization()
    await directory.save_organizations([organization])
    client = hospital_client(organization)
    with pytest.raises(AppError) as refused:
        await directory.publish_department(client, "D", name="内科", code="99", place="")
    assert refused.value.data["fields"] == [{"field": "code", "problem": "unknown_department_code"}]
    with pytest.raises(AppError) as refused:
        await directory.publish_practitioner(
            client, "P", name="安平", title="", specialty="", intro="", department_external_ids=["nope"]
        )
    assert refused.value.data["unknown"] == ["nope"]
