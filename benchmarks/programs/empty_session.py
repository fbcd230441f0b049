"""Empty session: what a job of ours takes before and after its work, and nothing of that work.

The interpreter, the JVM, a session with Delta made by the jobs' own function, one query on one row, and the end.
"""

import sys

from jobs.application import open_session
from jobs.settings_file import read_settings


def main(config: str) -> None:
    """Open a session as the settings say, and close it."""
    with open_session(read_settings(config, [])) as spark:
        spark.range(1).collect()


if __name__ == "__main__":
    main(sys.argv[1])
