"""The web application: route tables of all areas, put together; no rule lives here."""

from __future__ import annotations

from functools import cache
from typing import Any

from tornado.web import Application

from admin import views as console
from backend.appointments import handlers as appointments_handlers
from backend.billing import handlers as billing_handlers
from backend.births import handlers as births_handlers
from backend.births import verify_page as birth_verify_page
from backend.bootstrap import City, open_city
from backend.directory import handlers as directory_handlers
from backend.directory import token_handlers
from backend.exchange.fhir import handlers as fhir_handlers
from backend.exchange.fhir import load_handlers
from backend.exchange.quality import handlers as quality_handlers
from backend.healthcodes import handlers as healthcodes_handlers
from backend.http import config_handlers
from backend.http.application import CityApplication
from backend.http.base import InFlight, NotFoundHandler
from backend.http.endpoint import check_access_is_declared
from backend.http.openapi import openapi
from backend.http.pages import app_routes
from backend.http.system import HealthHandler, MetricsHandler, OpenAPIHandler, ReadyHandler
from backend.medication import handlers as medication_handlers
from backend.messages import handlers as messages_handlers
from backend.recognition import handlers as recognition_handlers
from backend.records import sharing_handlers, window_page
from backend.referrals import handlers as referrals_handlers
from backend.reports import (
    dicomweb_handlers,
    document_handlers,
    export_handlers,
    file_handlers,
    image_handlers,
    link_handlers,
    window_pages,
)
from backend.reports import handlers as reports_handlers
from backend.residents import handlers as residents_handlers
from backend.residents import login_handlers
from backend.settings import Settings
from backend.slotpool import handlers as slotpool_handlers
from backend.slotpool import schedules_handlers
from backend.statistics import open_handlers
from backend.surveys import page as survey_page
from backend.worker.app import check_broker, publish_sweep
from bots import handlers as bots_handlers

VERSION = "0.1.0"
Routes = list[tuple[str, type]]


def api_routes() -> Routes:
    """Every JSON route of every area, in one table."""
    return [
        # Tornado tries patterns in order: what is asked most comes first.
        *appointments_handlers.routes,
        *slotpool_handlers.routes,
        *healthcodes_handlers.routes,
        *residents_handlers.routes,
        *login_handlers.routes,
        *directory_handlers.routes,
        *messages_handlers.routes,
        *config_handlers.routes,
        *token_handlers.routes,
        *schedules_handlers.routes,
        *billing_handlers.routes,
        *bots_handlers.routes,
        *sharing_handlers.routes,
        *reports_handlers.routes,
        *recognition_handlers.routes,
        *medication_handlers.routes,
        *referrals_handlers.routes,
        *document_handlers.routes,
        *file_handlers.routes,
        *export_handlers.routes,
        *link_handlers.routes,
        *image_handlers.routes,
        *dicomweb_handlers.routes,
        *fhir_handlers.routes,
        *load_handlers.routes,
        *quality_handlers.routes,
        *open_handlers.routes,
        *births_handlers.routes,
    ]


@cache
def _description(city_name: str, address: str) -> dict[str, Any]:
    """The OpenAPI document. Long work, and every application of a process has the same."""
    return openapi(api_routes(), title=f"{city_name} API", version=VERSION, server=address)


def make_app(city: City) -> Application:
    """The application. Raises at start-up when a handler method does not say who may call it."""
    routes = api_routes()
    pages = [
        *console.routes(),
        *survey_page.routes,
        *birth_verify_page.routes,
        *open_handlers.page_routes,
        *window_page.routes,
        *window_pages.routes,
    ]
    for _, handler in routes + pages:
        check_access_is_declared(handler)
    system: Routes = [
        (r"/healthz", HealthHandler),
        (r"/readyz", ReadyHandler),
        (r"/metrics", MetricsHandler),
        (r"/openapi.json", OpenAPIHandler),
    ]
    answered = [(pattern, handler, {"route": pattern}) for pattern, handler in routes + system + pages]
    # What is not found below an address of another protocol is told in its words.
    elsewhere = [(pattern, handler, {"route": pattern}) for pattern, handler in fhir_handlers.unknown]
    return CityApplication(
        [*answered, *elsewhere, *app_routes(city.settings.miniprogram_dir)],
        default_handler_class=NotFoundHandler,
        city=city,
        openapi=_description(city.settings.city_name, city.settings.public_url),
        max_body_bytes=city.settings.max_body_bytes,
        in_flight=InFlight(),
        log_function=lambda _handler: None,  # BaseHandler.on_finish writes the one line
    )


async def open_app(settings: Settings) -> tuple[Application, Any]:
    """Open the city and its web application in the running loop."""
    city = await open_city(settings, process="web", publish=publish_sweep, check_broker=check_broker)
    return make_app(city), city.close
