"""`python -m bellbuoy flush` sends what is spooled, for cron or the end of a container; `status` says what waits."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Optional

from .delivery import dumps_status, flush
from .settings import configure


def main(arguments: Optional[list[str]] = None) -> int:
    """0: nothing waits (any more). 1: something does. 2: wrong use."""
    parser = argparse.ArgumentParser(prog="python -m bellbuoy", description=__doc__)
    parser.add_argument("command", choices=["flush", "status"])
    parser.add_argument("--url", help="of bellbuoy; else BELLBUOY_URL")
    parser.add_argument("--spool", type=Path, help="folder; else BELLBUOY_SPOOL")
    parser.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="at most so long (60)")
    options = parser.parse_args(arguments)
    given = {name: value for name, value in (("url", options.url), ("spool", options.spool)) if value}
    settings = configure(**given)
    if options.command == "status":
        print(dumps_status(settings) or "nothing was ever spooled")
        return 0
    done = flush(settings, options.wait)
    print(f"{done.delivered} delivered, {done.refused} refused, {done.waiting} waiting" + (f": {done.reason}" if done.reason else ""))
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
