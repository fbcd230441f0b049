"""``python -m scripts.submit_app``; ``scripts/submit`` runs this."""

import sys

from scripts.submit_app.cli import main

if __name__ == "__main__":
    main(sys.argv[1:])
