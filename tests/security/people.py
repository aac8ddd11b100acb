"""Who lives in the city of test_privacy.py, how they sign in, and every secret on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.factories.city import an_id_number
from tests.support.city import Caller, TestCity

# Names, numbers and words that stand nowhere else.
MOTHER = {"name": "欧阳翡翠", "id_number": an_id_number(101, "19870615"), "phone": "13711220001"}
FATHER = {"name": "司马昊苍", "id_number": an_id_number(202, "19850920"), "phone": "13711220002"}
GRANNY = {"name": "慕容兰馨", "id_number": an_id_number(303, "19480101"), "phone": "13711220003"}
CHILD = {"name": "欧阳小螺", "id_number": an_id_number(404, "20200301")}
STRANGER = {"name": "诸葛若谷", "id_number": an_id_number(505, "19700707"), "phone": "13711220005"}
NEW_PHONE = "13711220009"
WORDS = "我是诸葛若谷，电话13711220005，请退订"


@dataclass
class Life:
    """Who lives, and what must stay secret."""

    city: TestCity
    secrets: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, httpx.Response]] = field(default_factory=list)

    def keep(self, label: str, value: Any) -> Any:
        """Something that must stand nowhere; returned as it is."""
        self.secrets[f"{label} #{len(self.secrets)}"] = str(value)
        return value

    def keep_tokens(self, tokens: Any) -> Any:
        self.keep("access token", tokens["access_token"])
        self.keep("refresh token", tokens["refresh_token"])
        return tokens

    async def overhear(self, response: httpx.Response) -> None:
        await response.aread()
        self.answers.append((str(response.request.url), response))

    # -- signing in ------------------------------------------------------------------------------------

    async def otp(self, phone: str) -> str:
        await self.city.call("POST", "/api/v1/auth/sms-codes", json={"phone": phone})
        texts = await self.city.outside.get("sms", phone=phone)
        return str(self.keep("one-time code", "".join(filter(str.isdigit, texts["items"][0]["content"]))[:6]))

    async def by_sms(self, person: dict[str, str]) -> Caller:
        body = {"phone": person["phone"], "code": await self.otp(person["phone"])}
        wrong = body | {"code": "000000" if body["code"] != "000000" else "000001"}
        await self.city.call("POST", "/api/v1/auth/sms", json=wrong, expect=400)
        return await self.verified(await self.city.call("POST", "/api/v1/auth/sms", json=body), person)

    async def by_wechat(self, person: dict[str, str]) -> Caller:
        made = await self.city.outside.post("js-code", {"app": "mini", "phone": person["phone"]})
        self.keep("openid", made["openid"]), self.keep("unionid", made["unionid"])
        js_code = self.keep("js code", made["js_code"])
        first = await self.city.call("POST", "/api/v1/auth/wechat-mini", json={"js_code": js_code})
        code = (await self.city.outside.post("phone-code", {"phone": person["phone"]}))["code"]
        body = {
            "login_ticket": self.keep("login ticket", first["login_ticket"]),
            "phone_code": self.keep("phone code", code),
        }
        done = await self.city.call("POST", "/api/v1/auth/wechat-mini", json=body)
        return await self.verified(done["tokens"], person)

    async def by_official_account(self, person: dict[str, str]) -> Caller:
        city = self.city
        async with httpx.AsyncClient(base_url=city.url, event_hooks={"response": [self.overhear]}) as browser:
            there = await browser.get("/api/v1/auth/wechat-oauth?return_to=/pages/home/index")
            state = parse_qs(urlsplit(there.headers["Location"]).query)["state"][0]
            made = await city.outside.post("oauth-code", {"phone": person["phone"]})
            self.keep("openid", made["openid"]), self.keep("browser cookie", browser.cookies["hc_login"])
            query = {"code": self.keep("oauth code", made["code"]), "state": self.keep("state", state)}
            back = await browser.get("/api/v1/auth/wechat-oauth/callback", params=query)
            ticket = parse_qs(urlsplit(back.headers["Location"]).fragment.partition("?")[2])["ticket"][0]
            body: dict[str, str] = {"ticket": self.keep("ticket", ticket)}
            answer = (await browser.post("/api/v1/auth/ticket", json=body)).json()
            if answer["phone_needed"]:
                login_ticket = self.keep("login ticket", answer["login_ticket"])
                code = await self.otp(person["phone"])
                body = {"login_ticket": login_ticket, "phone": person["phone"], "code": code}
                answer = (await browser.post("/api/v1/auth/ticket", json=body)).json()
        return await self.verified(answer["tokens"], person)

    async def verified(self, tokens: Any, person: dict[str, str]) -> Caller:
        """Real name; first mistyped."""
        self.keep_tokens(tokens)
        caller = Caller(tokens["resident"]["id"], tokens["access_token"])
        identity = {"name": person["name"], "id_number": person["id_number"]}
        for wrong in ({"id_number": identity["id_number"][:-1] + "?"}, {"name": f"{person['name']}错"}):
            await self.city.call(
                "POST", "/api/v1/me/real-name", as_=caller, json=identity | wrong, expect=400
            )
        me = await self.city.call("POST", "/api/v1/me/real-name", as_=caller, json=identity)
        self.keep("access token", me["access_token"])
        refresh = {"refresh_token": tokens["refresh_token"]}
        fresh = self.keep_tokens(await self.city.call("POST", "/api/v1/auth/refresh", json=refresh))
        return Caller(me["id"], fresh["access_token"], person["phone"], person["name"], person["id_number"])

    # -- hospitals -------------------------------------------------------------------------------------

    async def hospital(self) -> Caller:
        """The hospital's system, with a secret of its own."""
        clients = self.city.city.services.clients
        issued = await clients.register_hospital(self.city.hospital.id, "HIS")
        return await self.client(issued.client.id, issued.secret)

    async def client(self, client_id: str, secret: str) -> Caller:
        self.keep("client secret", secret)
        form, url = {"grant_type": "client_credentials"}, f"{self.city.url}/oauth2/token"
        refused = await self.city.http.post(url, data=form, auth=(client_id, f"wrong-{secret[:20]}"))
        assert refused.status_code == 401, refused.text
        answer = await self.city.http.post(url, data=form, auth=(client_id, secret))
        assert answer.status_code == 200, answer.text
        return Caller(client_id, self.keep("access token", answer.json()["access_token"]))
