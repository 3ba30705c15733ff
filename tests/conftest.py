"""What holds for every test: skips are counted aloud, so nobody mistakes a skipped promise for a kept one."""

import signal
from collections import Counter

import hypothesis
import pytest

# A deadline measures how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("miccheck", deadline=None)
hypothesis.settings.load_profile("miccheck")


def pytest_configure() -> None:
    # What a script starts with `&` ignores Ctrl-C, and so does all that it starts. Tests send it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.write_line(f"skips: {reasons.total()}")
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"  {count} x {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr)
