"""Commands on the city's figures: counting a period anew, bringing in the past, publishing."""

from datetime import date, timedelta

from backend import clock
from backend.bootstrap import City
from backend.commands.city import in_city
from backend.commands.terminal import CommandError, out, progress_bar
from backend.statistics.backfill import Progress
from backend.statistics.recount import Difference

LONGEST_DAYS = 400


def recount(from_on: date, to_on: date) -> None:
    """Count a period anew; a counter that says something else is a problem."""
    days = (to_on - from_on).days + 1
    if not 0 < days <= LONGEST_DAYS:
        raise CommandError(f"--from must not be after --to, and at most {LONGEST_DAYS} days before it.")

    async def work(city: City) -> list[Difference]:
        found: list[Difference] = []
        with progress_bar("counting anew") as advance:
            for number in range(days):
                on = from_on + timedelta(days=number)
                found += await city.services.statistics.recount.run(on, on)
                advance(number + 1, days)
        return found

    differences = in_city(work)
    if differences:
        raise CommandError(*(_said(each) for each in differences))
    out.print(f"{days} days: every counter says what was written when it happened.")


def backfill() -> None:
    """Bring in the past, as far as it is over."""

    async def work(city: City) -> Progress:
        filling = city.services.statistics.backfill
        with progress_bar("counting the past anew") as advance:
            while True:
                days = await filling.step()
                progress = await filling.progress()
                advance(progress.done, progress.total)
                if not days:
                    return progress

    progress = in_city(work)
    rest = progress.total - progress.done
    out.print(f"{progress.done} of {progress.total} days are done.")
    if rest:
        today = clock.today()
        out.print(f"The others are done by the city itself, each when it is over; today is {today}.")


def publish() -> None:
    """Make the next editions of months that were counted anew."""

    async def work(city: City) -> int:
        return await city.services.statistics.open_data.publish(again=True)

    out.print(f"{in_city(work)} editions were published.")


def _said(difference: Difference) -> str:
    on, organization_id, measure, channel, extra = difference.place
    what = " ".join(each for each in (measure, channel, extra) if each)
    return f"{on} {organization_id or '-'} {what}: counted {difference.counted}, found {difference.found}"
