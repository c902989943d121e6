"""What `pydantic.mypy` does with models, theirs and ours: P where it is on, A where ours is alone."""

from pydantic import BaseModel

from typed_waffle import WaffleModel


class Theirs(BaseModel):
    size: int = 1
    untyped = 3  # P: Untyped fields disallowed  [pydantic-field]


class Ours(WaffleModel):
    size: int = 1
    untyped = 3  # P: Untyped fields disallowed  [pydantic-field]
    sizes: list[int] = []  # E: Setting "sizes" of "Ours": list[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]


Theirs(size="3")  # A: Argument "size" to "Theirs" has incompatible type "str"; expected "int"  [arg-type]
Ours(size="3")  # E: Argument "size" to "Ours" has incompatible type "str"; expected "int"  [arg-type]
Ours(nothing=3)  # E: Unexpected keyword argument "nothing" for "Ours"  [call-arg]
