"""`python -m ripple.cli`, where the console script is not on the path."""

from ripple.cli import main

main()
