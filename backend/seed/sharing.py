"""What the demo shows of sharing: consents, readings, a recognised result, people who may be one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from backend import clock
from backend.bootstrap import City
from backend.directory.models import Practitioner
from backend.ids import new_id
from backend.patient_index.models import ChartNumber, Demographics
from backend.permissions import Actor, Role
from backend.recognition.deciding import Said
from backend.recognition.service import Wanted
from backend.records.models import Purpose, Source
from backend.records.sharing_models import Asked, Terms
from backend.reports.measuring import Measurement
from backend.seed.directory import DemoDirectory
from backend.seed.residents import Person

_GLUCOSE = "SH10"
_EMERGENCY = "02 急诊抢救，来不及办理授权"


@dataclass(frozen=True, slots=True)
class _Room:
    """A doctor of a hospital, and that hospital's system."""

    doctor: Practitioner
    system: Actor

    @property
    def place(self) -> str:
        return self.doctor.organization_id

    @property
    def practitioner(self) -> str:
        return self.doctor.external.value


async def seed_sharing(city: City, directory: DemoDirectory, people: Sequence[tuple[Person, Actor]]) -> int:
    """Of three people, of whom two have reports of the first hospital; 0 where it has been done before."""
    (first, me), (second, other), (_, stranger) = people
    consents = city.services.sharing.consents
    if await consents.list_of(me, me.id):
        return 0
    here, treating, asking, emergency = [_room(directory, number) for number in range(4)]
    until = clock.city_instant(clock.today() + timedelta(days=180), 0)
    terms = Terms(Purpose.TREAT, until, organization_ids=frozenset({here.place, treating.place}))
    await consents.give(me, me.id, terms, "demo")
    await consents.ask(asking.system, me.id, terms, asking.practitioner, "会诊需要了解既往检查和用药")
    await _read(city, treating, me.id, Asked(practitioner=treating.practitioner))
    await _recognise(city, treating, first)
    stated = Asked(Purpose.BREAK_GLASS, emergency.practitioner, reason=_EMERGENCY, presented=True)
    await _read(city, emergency, other.id, stated)
    await _ask(city, other, "那天我不在这家医院，为什么调阅？")
    # The first hospital's own privacy officer has something to look at, too.
    await _read(city, here, me.id, Asked(practitioner=here.practitioner))
    await _ask(city, me, "我那天没有去看病，是谁打开了我的病历？")
    broken = Asked(Purpose.BREAK_GLASS, here.practitioner, reason=_EMERGENCY, presented=True)
    await _read(city, here, stranger.id, broken)
    await _own_words(city, me, other)
    await _namesake(city, treating.place, first)
    await _namesake(city, asking.place, second)
    return 10


def _room(directory: DemoDirectory, number: int) -> _Room:
    place = directory.organizations[number].id
    doctors = (doctor.practitioner for unit in directory.units for doctor in unit.doctors)
    doctor = next(each for each in doctors if each.organization_id == place)
    system = Actor("client", new_id(), Role.HOSPITAL_CLIENT, frozenset({place}), new_id(), "hospital")
    return _Room(doctor, system)


async def _read(city: City, room: _Room, person_id: str, asked: Asked) -> None:
    basis = await city.services.record_gate.care(room.system, person_id, asked)
    await city.services.record_reader.timeline(basis)


async def _ask(city: City, person: Actor, text: str) -> None:
    """About the newest reading."""
    sharing = city.services.sharing
    (newest, *_), _ = await sharing.accesses.list_of(person, person.id, own=False, cursor=None, limit=1)
    await sharing.questions.ask(person, person.id, newest.id, text)


async def _recognise(city: City, room: _Room, person: Person) -> None:
    """The blood sugar of the first hospital is asked for, and taken over."""
    recognition = city.services.recognition
    wanted = Wanted((_GLUCOSE,), room.practitioner, id_number=person.id_number)
    checked = await recognition.service.check(room.system, wanted)
    offers = [shown.found.resource.id for looked in checked.looked for shown in looked.shown]
    if offers:
        said = Said(_GLUCOSE, accepted=True, resource_id=offers[0])
        await recognition.deciding.decide(room.system, checked.check.id, room.practitioner, [said])


async def _own_words(city: City, me: Actor, other: Actor) -> None:
    """One has measured his blood pressure, the other's telephone number is wrong in a hospital's chart."""
    file = city.services.reports.file
    for ago, upper, lower in ((9, 142, 90), (2, 134, 84)):
        at = clock.city_instant(clock.today() - timedelta(days=ago), 7, 30)
        await file.measure(
            me, me.id, Measurement.BLOOD_PRESSURE, (Decimal(upper), Decimal(lower)), at, f"demo-{ago}"
        )
    (keeper, *_) = await file.keepers(other, other.id)
    await file.ask(other, other.id, keeper.chart_id, "phone", "手机号已换，请改为本人现在登录用的号码")


async def _namesake(city: City, place: str, person: Person) -> None:
    """Registered without the ID card: whether it is the same person is for somebody to say."""
    born = person.id_number[6:14]
    who = Demographics(
        name=person.name,
        sex="male" if int(person.id_number[16]) % 2 else "female",
        birth_on=date(int(born[:4]), int(born[4:6]), int(born[6:])),
        phone=person.phone,
    )
    source = Source("own", new_id(), place, clock.now())
    await city.services.patient_index.chart_for(place, ChartNumber("HIS", "ZY700001"), who, source)
