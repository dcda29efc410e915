"""Starts `trueup run` many times without paying for its imports: every line of standard input is the arguments of one
forked process. Prints its process id, and when it has ended, its exit status. One at a time.
"""

import os
import sys

import trueup.engine.run.run_account
import trueup.ledgers.postgresql
import trueup.ledgers.sqlite
import trueup.notifiers.log
import trueup.service.logs
import trueup.service.open_accounts
import trueup.service.scheduler
import trueup.surfaces.cli.run
import trueup.venues.files  # noqa: F401 - all of them only so that they are there already
from trueup.surfaces.cli.main import main


def run(arguments: list[str], log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(0)
    sys.argv = ["trueup", *arguments]
    code: object = 1
    try:
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def serve(log: str) -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(line.split(), log)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
