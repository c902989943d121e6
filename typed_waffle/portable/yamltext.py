"""YAML, as its version 1.2 reads JSON: `no`, `12:30` and a date are texts."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import yaml
from yaml.composer import ComposerError
from yaml.reader import ReaderError

from typed_waffle.portable.format import Tree, Unreadable

__all__ = ["FORMAT"]

_TAG = "tag:yaml.org,2002:"
_STR, _NULL, _BOOL = f"{_TAG}str", f"{_TAG}null", f"{_TAG}bool"
_INT, _FLOAT = f"{_TAG}int", f"{_TAG}float"
_NUMERIC = list("-0123456789")
_BREAKS = re.compile("[\r\x85\u2028\u2029]")
"""What PyYAML takes for an end of a line as well."""
_QUOTED = re.compile(r"'(?!<)[^']{3,}'")
"""What it quotes of the text, which may be a secret's; not its names for parts of speech."""


class _Loader(yaml.SafeLoader):
    """Knows the scalars of JSON, `~`, and nothing, which is null as well."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - as PyYAML's

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - as PyYAML's
        """Refuse an alias: a few of them could stand for more than the memory holds."""
        if self.check_event(yaml.AliasEvent):
            event: Any = self.get_event()  # type: ignore[no-untyped-call] # no stub for it
            raise ComposerError(None, None, "aliases are not read", event.start_mark)
        return super().compose_node(parent, index)


def _add(cls: Any, tag: str, pattern: str, first: list[str]) -> None:  # noqa: ANN401 - both classes
    cls.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), first)


_add(_Loader, _NULL, r"null|~|", ["n", "~", ""])
_add(_Loader, _BOOL, r"true|false", ["t", "f"])
_add(_Loader, _INT, r"-?(?:0|[1-9][0-9]*)", _NUMERIC)
_add(_Loader, _FLOAT, r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?", _NUMERIC)


class _Dumper(yaml.SafeDumper):
    """Puts quotes around every text that a reader of YAML 1.1 or 1.2 takes for something else."""

    def ignore_aliases(self, data: object) -> bool:
        """Write everything out."""
        del data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as PyYAML's
        """Indent lists below their names."""
        super().increase_indent(flow, indentless=False)


_add(_Dumper, _INT, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*_NUMERIC, "+"])
_add(
    _Dumper,
    _FLOAT,
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
    [*_NUMERIC, "+", "."],
)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text or _BREAKS.search(text):
        in_block = "\n" in text.strip("\n") and not (text.endswith("\n\n") or _BREAKS.search(text))
        style = "|" if in_block else '"'  # where a block cannot be, PyYAML quotes the text
    return dumper.represent_scalar(_STR, text, style=style)


_Dumper.add_representer(str, _text)


class _Yaml:
    """YAML."""

    name = "yaml"

    def written(self, tree: Tree) -> str:
        """See `Format`."""
        made: str = yaml.dump(
            tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf
        )
        return made

    def read(self, text: str) -> dict[str, object]:
        """See `Format`."""
        node = self._composed(text)
        data = {} if node is None else _plain(node)
        if data is None:
            data = {}
        if not isinstance(data, dict):
            raise Unreadable("it is not a mapping of names to values", 1)
        return data

    def line(self, text: str, keys: tuple[str, ...]) -> int | None:
        """See `Format`."""
        found: int | None = None
        node = self._composed(text)
        for key in keys:
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            pair = next((pair for pair in pairs if pair[0].value == key), None)
            if pair is None:
                break
            found, node = pair[0].start_mark.line + 1, pair[1]
        return found

    @staticmethod
    def _composed(text: str) -> yaml.Node | None:
        try:
            node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            # An open bracket or quote is noticed at the end of the text only.
            opened = re.search("flow|quoted", error.context or "")
            mark = error.context_mark if opened else error.problem_mark
            why = ", ".join(filter(None, (error.context, error.problem)))
            raise Unreadable(_QUOTED.sub("'...'", why), mark.line + 1 if mark else None) from None
        except ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise Unreadable("a character stands there that must be escaped", line) from None
        except RecursionError:
            raise Unreadable("it is nested too deeply") from None
        return node


def _plain(node: yaml.Node) -> object:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        data: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Unreadable("a name must be a text", key.start_mark.line + 1)
            if key.value in data:
                raise Unreadable(f"{key.value!r} stands twice", key.start_mark.line + 1)
            data[key.value] = _plain(value)
        return data
    if isinstance(node, yaml.SequenceNode):
        return [_plain(part) for part in node.value]
    if node.tag == _STR:
        return node.value
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL:
        return node.value == "true"
    try:
        if node.tag == _INT:
            return int(node.value)
        if node.tag == _FLOAT:
            return float(node.value)
    except ValueError:  # too many digits; or the tag was written, and the text is no number
        raise Unreadable("it is not a number that can be read", line) from None
    raise Unreadable("a tag is not read", line)


FORMAT: Final = _Yaml()
