"""The console's pages, one module for each part of the menu; `routes()` is the whole table."""

from __future__ import annotations

from admin.views import (
    account,
    appointments,
    audit,
    board,
    clients,
    dashboard,
    directory,
    exchange,
    inbox,
    medication,
    message_templates,
    messages,
    nowhere,
    patient_index,
    payments,
    quality,
    recognition,
    record_access,
    schedules,
    sign_in,
    staff,
    static,
    survey_campaigns,
    survey_questionnaires,
    survey_results,
    survey_tickets,
    walls,
)

Routes = list[tuple[str, type]]


def routes() -> Routes:
    """Every page of the console, for `backend/app.py`."""
    return [
        *sign_in.routes,
        *dashboard.routes,
        *board.routes,
        *walls.routes,
        *schedules.routes,
        *appointments.routes,
        *payments.routes,
        *message_templates.routes,
        *messages.routes,
        *inbox.routes,
        *recognition.routes,
        *medication.routes,
        *survey_results.routes,
        *survey_tickets.routes,
        *survey_campaigns.routes,
        *survey_questionnaires.routes,
        *patient_index.routes,
        *quality.routes,
        *record_access.routes,
        *exchange.routes,
        *directory.routes,
        *clients.routes,
        *staff.routes,
        *audit.routes,
        *account.routes,
        *static.routes,
        *nowhere.routes,
    ]
