"""`python -m khazana.portal`: serve, import, export; the command line starts it as a process."""

import sys

from khazana.portal.project.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
