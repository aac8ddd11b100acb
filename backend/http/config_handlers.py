"""What the resident app asks first: names and ids that differ from city to city."""

from __future__ import annotations

from backend.http.base import APIHandler
from backend.http.endpoint import operation, public
from backend.http.schema import Answer


class WeChatConfig(Answer):
    """The city's applications at WeChat."""

    mini_app_id: str
    oa_app_id: str
    subscribe_templates: dict[str, str]


class CityConfig(Answer):
    """The city, to its residents' app."""

    city_name: str
    city_code: str
    time_zone: str
    hold_minutes: int
    booking_days: int
    wechat: WeChatConfig


class ConfigHandler(APIHandler):
    """The city's configuration for its apps."""

    @public("the app needs it before anybody signs in; it holds no secret")
    @operation("Names and ids of this city", tag="config")
    async def get(self) -> CityConfig:
        """Changes only with a deployment."""
        settings = self.services.settings
        self.set_header("Cache-Control", "public, max-age=60")
        return CityConfig(
            city_name=settings.city_name,
            city_code=settings.city_code,
            time_zone="Asia/Shanghai",
            hold_minutes=settings.hold_minutes,
            booking_days=settings.booking_days,
            wechat=WeChatConfig(
                mini_app_id=settings.wechat_mini_app_id,
                oa_app_id=settings.wechat_oa_app_id,
                subscribe_templates=settings.wechat_subscribe_templates,
            ),
        )


routes = [(r"/api/v1/config", ConfigHandler)]
