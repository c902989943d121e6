"""`python -m typed_waffle.cli`: as `typed-waffle`."""

from typed_waffle.cli.console import main

if __name__ == "__main__":
    main()
