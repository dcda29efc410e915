"""`python -m trueup` is `trueup`."""

from trueup.surfaces.cli.main import main

main()
