"""The register's adapter against the sandbox, and against a register that does not answer as it should."""

from collections.abc import AsyncIterator

import pytest

from backend.residents.ports import RegisterRelation, RegisterUnavailableError
from backend.residents.register_http import HTTPPopulationRegister
from tests.backend.residents.register_contract import Know, RegisterContract, related
from tests.backend.residents.world import MemoryRegister, Person, born_years_ago, make_person
from tests.support.outside import Outside, open_outside


@pytest.fixture(scope="module")
async def outside() -> AsyncIterator[Outside]:
    async with open_outside("http://127.0.0.1:9") as opened:
        yield opened


@pytest.fixture
async def adapter(outside: Outside) -> AsyncIterator[HTTPPopulationRegister]:
    secret = outside.credentials["register"]["secret"]
    opened = HTTPPopulationRegister(f"{outside.url}/register", secret)
    yield opened
    await opened.aclose()


async def make_known(outside: Outside, *people: Person) -> None:
    parent, *children = people
    for child in children:
        await outside.post("persons", entry(child))
    family = [{"id_number": child.id_number, "relation": "child"} for child in children]
    await outside.post("persons", entry(parent) | {"family": family})


def entry(person: Person) -> dict[str, object]:
    known: dict[str, object] = person.card | {"alive": person.alive}
    return known | ({"phone": person.phone} if person.phone else {})


class TestHTTPRegister(RegisterContract):
    @pytest.fixture
    def register(self, adapter: HTTPPopulationRegister) -> HTTPPopulationRegister:
        return adapter

    @pytest.fixture
    def know(self, outside: Outside) -> Know:
        async def known(*people: Person) -> None:
            await make_known(outside, *people)

        return known


class TestMemoryRegister(RegisterContract):
    @pytest.fixture
    def register(self) -> MemoryRegister:
        return MemoryRegister()

    @pytest.fixture
    def know(self, register: MemoryRegister) -> Know:
        async def known(*people: Person) -> None:
            parent, *children = people
            register.add(*people)
            register.children.update((parent.id_number, child.id_number) for child in children)

        return known


async def test_sex_and_birth_come_with_a_match(adapter: HTTPPopulationRegister, outside: Outside) -> None:
    person = make_person(born_years_ago(30))
    await make_known(outside, person)
    answer = await adapter.verify(person.name, person.id_number)
    assert answer.birth_on == born_years_ago(30)
    assert answer.sex is not None


async def test_a_child_is_a_child_seen_from_the_child_too(
    adapter: HTTPPopulationRegister, outside: Outside
) -> None:
    parent, child = make_person(), make_person(born_years_ago(8))
    await make_known(outside, parent, child)
    assert await related(adapter, child, parent) is RegisterRelation.PARENT


async def test_a_wrong_secret_is_no_answer(outside: Outside) -> None:
    seen: list[tuple[str, str, str]] = []
    stranger = HTTPPopulationRegister(
        f"{outside.url}/register", "wrong", observe=lambda *told: seen.append(told[:3])
    )
    with pytest.raises(RegisterUnavailableError):
        await stranger.verify("张三", make_person().id_number)
    await stranger.aclose()
    # A refusal is not asked for twice.
    assert seen == [("register", "/v1/verify", "status_401")]


async def test_a_register_that_refuses_service_is_asked_twice(outside: Outside) -> None:
    seen: list[str] = []
    secret = outside.credentials["register"]["secret"]
    adapter = HTTPPopulationRegister(
        f"{outside.url}/register", secret, observe=lambda *told: seen.append(told[2])
    )
    async with outside.misbehaving(refuse_register="503"):
        with pytest.raises(RegisterUnavailableError):
            await adapter.verify("张三", make_person().id_number)
    await adapter.aclose()
    assert seen == ["status_503", "status_503"]


async def test_an_address_where_nobody_answers_is_an_absent_register() -> None:
    adapter = HTTPPopulationRegister("http://127.0.0.1:9/register", "secret")
    with pytest.raises(RegisterUnavailableError) as caught:
        await adapter.verify("张三丰", "11010519491231002X")
    await adapter.aclose()
    assert "张三丰" not in str(caught.value)


async def test_an_answer_that_cannot_be_read_is_no_answer(outside: Outside) -> None:
    # The sandbox's own start page: a 200 or a refusal, but never a register's answer.
    adapter = HTTPPopulationRegister(f"{outside.url}/elsewhere", "secret")
    with pytest.raises(RegisterUnavailableError):
        await adapter.verify("张三", make_person().id_number)
    await adapter.aclose()
