"""`python -m renderowl` is the command `renderowl`."""

from renderowl.cli.main import main

main()
