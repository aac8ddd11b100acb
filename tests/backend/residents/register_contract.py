"""What every adapter of the population register must do; a subclass gives `register` and `know`."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from backend.residents.ports import PopulationRegister, RegisterRelation
from tests.backend.residents.world import Person, born_years_ago, make_person

# Makes people known to the register, the first one as a parent of all the others.
Know = Callable[..., Awaitable[None]]


class RegisterContract:
    """Verification and relations, for people known and unknown."""

    async def test_a_known_person_matches_with_phone(self, register: PopulationRegister, know: Know) -> None:
        person = make_person()
        await know(person)
        answer = await register.verify(person.name, person.id_number, person.phone)
        assert (answer.match, answer.alive, answer.phone_match) == (True, True, True)

    async def test_another_phone_is_said_to_be_another(
        self, register: PopulationRegister, know: Know
    ) -> None:
        person = make_person()
        await know(person)
        answer = await register.verify(person.name, person.id_number, "13900000000")
        assert (answer.match, answer.phone_match) == (True, False)

    async def test_without_a_phone_on_either_side_nothing_is_said_about_it(
        self, register: PopulationRegister, know: Know
    ) -> None:
        person, phoneless = make_person(), replace(make_person(), phone="")
        await know(person)
        await know(phoneless)
        assert (await register.verify(person.name, person.id_number)).phone_match is None
        answer = await register.verify(phoneless.name, phoneless.id_number, "13900000000")
        assert (answer.match, answer.phone_match) == (True, None)

    async def test_another_name_or_an_unknown_number_does_not_match(
        self, register: PopulationRegister, know: Know
    ) -> None:
        person, unknown = make_person(), make_person()
        await know(person)
        assert (await register.verify("不是他", person.id_number, person.phone)).match is False
        assert (await register.verify(unknown.name, unknown.id_number)).match is False

    async def test_the_dead_are_said_to_be_dead(self, register: PopulationRegister, know: Know) -> None:
        person = replace(make_person(), alive=False)
        await know(person)
        answer = await register.verify(person.name, person.id_number)
        assert (answer.match, answer.alive) == (True, False)

    async def test_a_parents_child_is_a_child_and_a_strangers_is_not(
        self, register: PopulationRegister, know: Know
    ) -> None:
        parent, child, stranger = make_person(), make_person(born_years_ago(8)), make_person()
        await know(parent, child)
        await know(stranger)
        assert await related(register, parent, child) is RegisterRelation.CHILD
        assert await related(register, stranger, child) is RegisterRelation.NONE


async def related(register: PopulationRegister, guardian: Person, dependant: Person) -> RegisterRelation:
    return await register.relation(guardian.id_number, dependant.id_number)
