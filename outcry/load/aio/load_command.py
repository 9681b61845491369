"""`outcry load`: against a running exchange, or against one of its own."""

from __future__ import annotations

from outcry.load.aio.foreign_market import ForeignMarket
from outcry.load.aio.load_crew import LoadCrew
from outcry.load.aio.load_run import LoadRun
from outcry.load.aio.own_market import OwnMarket, OwnMarketOptions
from outcry.load.moment import LoadMoment
from outcry.load.options import LoadOptions
from outcry.load.report import LoadReport
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.screen import Screen


async def run_load(
    options: LoadOptions, own: OwnMarketOptions, screen: Screen[LoadMoment, LoadReport], stop: StopSignal
) -> LoadReport:
    """
    Run a load; no process of ours is left when this returns or raises.

    Args:
        options: Checked.
        own: Checked; what to start where the options name no deployment.
        screen: Where it is shown.
        stop: The first signal ends the measurement early, with a report.

    Raises:
        ConfigurationError: If something about the machine or the options does not allow it.
        RoleFailed: If users cannot connect, or a part fails; with what it said.
        StoreUnavailable: If the deployment does not answer, or Redis cannot be started.
        Interrupted: If it was stopped before the measurement began.
    """
    allow_open_files(options.crew.users)
    with private_folder() as folder:
        if options.deployment is not None:
            foreign = ForeignMarket(options.deployment, options.crew.users)
            await foreign.open()
            with LoadCrew() as crew:
                return await LoadRun(options, foreign, crew, folder, screen, stop).run()
        with OwnMarket(own, folder, screen.say) as market, LoadCrew() as crew:
            await market.open(stop)
            return await LoadRun(options, market, crew, folder, screen, stop).run()
