"""The agencies of a birth filing and the licence library, behind one gateway (a protocol of our own).

Every request carries X-Timestamp (Unix seconds), X-Nonce and X-Signature: hex HMAC-SHA256 of timestamp,
nonce, path (below the gateway) and body, each on a line of its own. Callbacks are signed the same way.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date, timedelta
from functools import partial
from typing import Any

import orjson

from sandbox.people import birth_of, is_id_number, make_id_number
from sandbox.state import Application, Delivery, new_token
from sandbox.web import SandboxHandler
from sandbox.world import World

WINDOW_S = 300
PREFIX = "/agencies"
AGENCIES = {"mch": "妇幼保健机构", "civil": "公安户政", "social": "人力资源社会保障", "insurance": "医疗保障"}
STEPS = {
    "birth_certificate": "出生医学证明",
    "vaccination": "预防接种证",
    "household": "户口登记",
    "insurance": "居民医保参保",
    "social_card": "社会保障卡",
    "maternity_claim": "生育医疗费用报销",
}
# Where what is not posted is fetched, of the steps that hand something over.
COUNTERS = {
    "birth_certificate": "出生医院产科窗口",
    "vaccination": "出生医院产科窗口",
    "household": "落户地派出所户籍窗口",
    "social_card": "市社会保障服务中心制卡窗口",
}
PREFIXES = {"mch": "FY", "civil": "GA", "social": "RS", "insurance": "YB"}
CORRECTION = {
    "code": "material_unclear",
    "text": "提交的材料不清楚，无法核对。",
    "what_to_do": "请重新上传清楚、完整的照片后再提交。",
}
REFUSAL = {
    "code": "not_eligible",
    "text": "经核对，不符合办理条件。",
    "what_to_do": "请带证件原件到窗口咨询办理。",
}


class AgencyError(Exception):
    """A refusal: status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def signature(secret: str, stamp: str, nonce: str, path: str, body: bytes) -> str:
    """What stands in X-Signature."""
    message = "\n".join((stamp, nonce, path)).encode() + b"\n" + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def word(application: Application) -> dict[str, Any]:
    """How an agency stands to what it was asked."""
    return {
        "id": application.id,
        "standing": application.standing,
        "revision": application.revision,
        "receipt": application.receipt,
        "problems": application.problems,
        "results": application.results,
        **({"handover": application.handover} if application.handover else {}),
    }


class Offices:
    """What the agencies do with what they are asked."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.agenda.serve("agency_decide", self._decide_by_itself)
        world.agenda.serve("agency_send", self._send_by_itself)
        for agency in AGENCIES:
            world.courier.sign_with(f"agency:{agency}", partial(self._signed, agency))
        world.courier.sign_with("agency:forged", partial(self._signed, "mch", secret="0" * 48))

    def receive(self, agency: str, body: dict[str, Any]) -> Application:
        """Take an application; the same again is the same one, and one called off before stays so."""
        known = self.find(str(body.get("id")))
        if known is not None:
            known.asks += 1
            known.barred = known.barred or known.standing == "cancelled"
            self.world.keeper.changed()
            return known
        number = self.world.state.count(f"agency_{agency}")
        application = Application(
            id=str(body["id"]),
            agency=agency,
            step=str(body["step"]),
            body={name: value for name, value in body.items() if name != "files"}
            | {"files": [file.get("kind") for file in body.get("files", [])]},
            standing="accepted",
            received_at=self.world.now(),
            receipt=f"{PREFIXES[agency]}{date.today():%Y%m%d}{number:05d}",  # noqa: DTZ011 the clerk's calendar
            asks=1,
        )
        self.world.state.applications[application.id] = application
        self.world.keeper.changed()
        if not self.world.switches.on("agencies_clerk"):
            delay = self.world.switches.number("agencies_delay_s")
            self.world.agenda.after(delay, "agency_decide", {"id": application.id})
        return application

    def find(self, application_id: str) -> Application | None:
        """An application, or None."""
        return self.world.state.applications.get(application_id)

    def call_off(self, agency: str, application_id: str, *, only_unknown: bool) -> Application:
        """Stop what is at work, or remember that it is to be refused should it still come."""
        known = self.find(application_id)
        if known is None:
            known = Application(application_id, agency, "", {}, "cancelled", self.world.now(), receipt="")
            self.world.state.applications[application_id] = known
        elif not only_unknown and known.standing in ("accepted", "needs_correction"):
            known.standing, known.revision = "cancelled", known.revision + 1
        self.world.keeper.changed()
        return known

    def decide(
        self,
        application: Application,
        standing: str,
        problems: list[dict[str, str]] | None = None,
        results: dict[str, str] | None = None,
    ) -> None:
        """A clerk, or time, decides; the city is told."""
        if application.standing != "accepted":
            return
        application.standing = standing
        application.revision += 1
        application.decided_at = self.world.now()
        application.problems = problems or []
        if standing == "done":
            application.results = results or self._results(application)
            if application.step in COUNTERS and not self.world.switches.on("agencies_keep_papers"):
                delay = self.world.switches.number("agencies_post_s")
                self.world.agenda.after(delay, "agency_send", {"id": application.id})
        self.world.keeper.changed()
        self._tell(application)

    def hand_over(self, application: Application, state: str = "", **told: str) -> None:
        """Post what is done, lay it out, or say that it is lost or received; the city is told."""
        if application.standing != "done" or application.step not in COUNTERS:
            return
        mailed = application.body.get("delivery", {}).get("way") == "mail"
        state = state or ("posted" if mailed else "ready")
        if state == "posted":
            number = f"EM{self.world.state.count('parcel'):09d}CN"
            told = {"courier": "邮政特快专递", "tracking_no": number} | told
        elif state == "ready":
            told = {"place": COUNTERS[application.step]} | told
        application.handover = {"state": state, **told}
        application.revision += 1
        self.world.keeper.changed()
        self._tell(application)

    async def _send_by_itself(self, data: dict[str, Any]) -> None:
        application = self.find(data["id"])
        if application is not None and not application.handover:
            self.hand_over(application)

    async def _decide_by_itself(self, data: dict[str, Any]) -> None:
        application = self.find(data["id"])
        if application is None or application.standing != "accepted":
            return
        switches = self.world.switches
        if application.step in _listed(switches.text("agencies_reject")):
            self.decide(application, "rejected", [REFUSAL])
        elif (
            application.step in _listed(switches.text("agencies_correct"))
            and not self._was_corrected(application)
        ):  # fmt: skip
            self.decide(application, "needs_correction", [CORRECTION])
        else:
            self.decide(application, "done")

    def _was_corrected(self, application: Application) -> bool:
        """Whether an earlier attempt at the same was sent back."""
        return any(
            other.standing == "needs_correction"
            for other in self.world.state.applications.values()
            if other.id != application.id
            and (other.step, other.body.get("filing")) == (application.step, application.body.get("filing"))
        )

    def _tell(self, application: Application) -> None:
        switches, state = self.world.switches, self.world.state
        delay = float(switches.number("late_agency_calls_s"))
        if switches.on("forge_agency_calls"):
            lie = word(application) | {"standing": "rejected", "revision": application.revision + 50}
            self.world.courier.send(self._delivery(application, lie, "agency:forged", bait=True))
        for _ in range(2 if switches.on("duplicate_agency_calls") else 1):
            self.world.courier.send(
                self._delivery(application, word(application), f"agency:{application.agency}"), delay
            )
        state.count("agency_calls")

    def _delivery(
        self, application: Application, body: dict[str, Any], signer: str, *, bait: bool = False
    ) -> Delivery:
        return Delivery(
            id=new_token("agency-", 8),
            service="agencies",
            event="FORGED" if bait else "AGENCY.WORD",
            url=f"{self.world.city.url}/callbacks/agencies/{application.agency}",
            body=orjson.dumps(body).decode(),
            created_at=self.world.now(),
            signer=signer,
            subject=application.id,
            expect_refusal=bait,
        )

    def _signed(self, agency: str, body: str, secret: str = "") -> dict[str, str]:
        stamp, nonce = str(int(self.world.now())), new_token("", 12)
        known = secret or self.world.credentials.told["agencies"][agency]
        path = f"/callbacks/agencies/{agency}"
        signed = signature(known, stamp, nonce, path, body.encode())
        return {"X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": signed}

    def _results(self, application: Application) -> dict[str, str]:
        number = self.world.state.count(f"result_{application.step}")
        today = date.today()  # noqa: DTZ011 the clerk's calendar
        match application.step:
            case "birth_certificate":
                return {"certificate_no": f"X37{number:07d}", "issued_on": today.isoformat()}
            case "household":
                return self._registered(application, number) | {"registered_on": today.isoformat()}
            case "insurance":
                return {"insurance_no": f"3707{number:010d}", "covered_from": today.isoformat()}
            case "social_card":
                return {"card_no": f"G{number:08d}", "ready_on": (today + timedelta(days=7)).isoformat()}
            case "vaccination":
                return {"booklet_no": f"3707{number:012d}", "clinic": "社区卫生服务中心预防接种门诊"}
            case _:
                return {"paid_on": (today + timedelta(days=3)).isoformat(), "amount": "3200.00元"}

    def _registered(self, application: Application, number: int) -> dict[str, str]:
        """Enter the child in the population register, with its parents."""
        child, mother = application.body["child"], application.body["mother"]
        father = application.body.get("father")
        born_on = date.fromisoformat(str(child["born_at"])[:10])
        sequence = (number * 2 + (child["sex"] == "male")) % 1000
        id_number = make_id_number(mother["id_number"][:6], born_on, sequence)
        parents = [parent["id_number"] for parent in (mother, father) if parent]
        self.world.people.register(
            {
                "name": child["name"],
                "id_number": id_number,
                "family": [{"relation": "parent", "id_number": parent} for parent in parents],
            }
        )
        return {"id_number": id_number, "household_no": f"37070{number:04d}"}


def _listed(text: str) -> set[str]:
    return {part.strip() for part in text.split(",") if part.strip()}


class GatewayHandler(SandboxHandler):
    """Signed JSON in, JSON out."""

    service = "agencies"
    offices: Offices

    def initialize(self, world: World, offices: Offices | None = None) -> None:
        super().initialize(world)
        if offices is not None:
            self.offices = offices

    def signed_body(self, whose: str) -> dict[str, Any]:
        """The request's object, once its signature holds and the agency is not down."""
        down = _listed(self.world.switches.text("agencies_down"))
        if down & {whose, "all"}:
            raise AgencyError(503, "DOWN")
        headers = self.request.headers
        stamp, nonce = headers.get("X-Timestamp", ""), headers.get("X-Nonce", "")
        if not stamp.isdigit() or abs(self.world.now() - int(stamp)) > WINDOW_S or len(nonce) < 8:
            raise AgencyError(401, "STALE")
        secret = self.world.credentials.told["agencies"].get(whose, "")
        path = self.request.path.removeprefix(PREFIX)
        expected = signature(secret, stamp, nonce, path, self.request.body)
        if not secret or not hmac.compare_digest(expected, headers.get("X-Signature", "")):
            raise AgencyError(401, "BAD_SIGNATURE")
        try:
            body = self.json_body() if self.request.body else {}
        except orjson.JSONDecodeError as error:
            raise AgencyError(400, "BAD_REQUEST") from error
        if not isinstance(body, dict):
            raise AgencyError(400, "BAD_REQUEST")
        return body

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        known = isinstance(error, AgencyError)
        status, code = (error.status, error.code) if known else (status_code, "BAD_REQUEST")
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(orjson.dumps({"error": {"code": code}}))

    def log_exception(self, *args: Any) -> None:
        """A refusal is an answer, not a fault."""
        if not isinstance(args[1], AgencyError):
            super().log_exception(*args)


class ApplicationsHandler(GatewayHandler):
    """POST /agencies/{agency}/v1/applications."""

    async def post(self, agency: str) -> None:
        """Taken once, whatever comes of it."""
        body = self.signed_body(agency)
        if body.get("step") not in STEPS or not body.get("id"):
            raise AgencyError(400, "BAD_REQUEST")
        self.answer(200, word(self.offices.receive(agency, body)))


class ApplicationHandler(GatewayHandler):
    """GET …/applications/{id}, POST …/applications/{id}/bar and /cancel."""

    async def get(self, agency: str, application_id: str, verb: str = "") -> None:
        """How it stands; unknown when it never came."""
        self.signed_body(agency)
        known = self.offices.find(application_id)
        if known is None or known.agency != agency or verb:
            self.answer(200, {"id": application_id, "standing": "unknown", "revision": 0})
            return
        self.answer(200, word(known))

    async def post(self, agency: str, application_id: str, verb: str = "") -> None:
        """Call it off."""
        self.signed_body(agency)
        if verb not in ("/bar", "/cancel"):
            raise AgencyError(404, "NOT_FOUND")
        self.answer(200, word(self.offices.call_off(agency, application_id, only_unknown=verb == "/bar")))


class LicencesHandler(GatewayHandler):
    """POST /agencies/licences/v1/find, /marriage and /household."""

    async def post(self, what: str) -> None:
        """From the population register's own entries."""
        body = self.signed_body("licences")
        people = self.world.people
        for name in ("id_number", "one", "other"):
            if name in body and not is_id_number(str(body[name])):
                raise AgencyError(400, "BAD_ID_NUMBER")
        if what == "marriage":
            self.answer(200, {"married": people.relation(str(body["one"]), str(body["other"])) == "spouse"})
            return
        person = people.find_person(str(body.get("id_number")))
        if person is None or not person.licences:
            self.answer(200, {"found": False})
        elif what == "find":
            number = hashlib.sha256(person.id_number.encode()).hexdigest()[:12].upper()
            self.answer(200, {"found": True, "number": number, "holder_name": person.name})
        else:
            region = "健康城市" if person.in_city else "外地"
            place = f"{birth_of(person.id_number)[:4]}号派出所" if person.in_city else ""
            self.answer(
                200, {"found": True, "in_city": person.in_city, "region": region, "police_station": place}
            )


def routes(world: World, offices: Offices) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The gateway's paths."""
    given = {"world": world, "offices": offices}
    agency = rf"{PREFIX}/({'|'.join(AGENCIES)})/v1"
    return [
        (rf"{PREFIX}/licences/v1/(find|marriage|household)", LicencesHandler, given),
        (rf"{agency}/applications", ApplicationsHandler, given),
        (rf"{agency}/applications/([0-9A-Za-z-]{{8,64}})(/bar|/cancel)?", ApplicationHandler, given),
    ]
