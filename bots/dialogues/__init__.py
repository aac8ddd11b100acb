"""The dialogues, one file each; what several share is in `asking`, `places`, `sessions` and `mine`."""

from __future__ import annotations

from bots.dialogue import Dialogue
from bots.dialogues.bills import Bills
from bots.dialogues.births import Births
from bots.dialogues.book import Book
from bots.dialogues.cancel import Cancel
from bots.dialogues.courtesy import Courtesy
from bots.dialogues.directions import Directions
from bots.dialogues.health_code import HealthCode
from bots.dialogues.my_appointments import MyAppointments
from bots.dialogues.opening_hours import OpeningHours
from bots.dialogues.opt_out import OptIn, OptOut
from bots.dialogues.queue import Queue
from bots.dialogues.referrals import Referrals
from bots.dialogues.reports import Reports
from bots.dialogues.reschedule import Reschedule
from bots.dialogues.waitlist import Waitlist


def all_dialogues(app_url: str) -> tuple[Dialogue, ...]:
    """Everything a resident can do by talking, in the order of the menu. `app_url` is where the app is."""
    return (
        Book(app_url),
        MyAppointments(),
        Cancel(),
        Reschedule(app_url),
        Waitlist(app_url),
        HealthCode(app_url),
        Bills(app_url),
        Reports(app_url),
        Births(app_url),
        Referrals(app_url),
        Queue(),
        Directions(),
        OpeningHours(),
        OptOut(),
        OptIn(),
        Courtesy(),
    )
