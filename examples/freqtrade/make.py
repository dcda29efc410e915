"""Makes a folder such as freqtrade has, to try `trueup connect` on: python3 make.py FOLDER

The exchange, by its own export: an order filled after freqtrade had booked its cancel (1002), and one whose answer was
lost, so that freqtrade never heard of it (1001).
"""

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent


def make(folder: Path) -> None:
    """`user_data` with a configuration and a database, and beside it the exchange's export."""
    user_data = folder / "user_data"
    user_data.mkdir(parents=True)
    shutil.copy(HERE / "config.json", user_data)
    shutil.copy(HERE / "exchange_orders.csv", folder)
    with closing(sqlite3.connect(user_data / "tradesv3.sqlite")) as database:
        database.executescript((HERE / "tradesv3.sql").read_text())


if __name__ == "__main__":
    make(Path(sys.argv[1]))
