"""`python -m typed_waffle.stubgen pkg.module:waffle -o pkg/typed.py`."""

from typed_waffle.stubgen.command import stubgen

if __name__ == "__main__":
    stubgen(prog_name="python -m typed_waffle.stubgen")
