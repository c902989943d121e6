"""The mypy plugin: `plugins = typed_waffle.mypy`. It checks settings before the code runs.

Call by call it tells mypy the types that the model declares, looks up names given as texts, and
refuses a declaration that `WaffleModel` would refuse. What it does not understand it lets pass.

It answers for our own functions and for classes below `WaffleModel` only, and never for a base
class or a metaclass: there mypy asks a single plugin, and `pydantic.mypy` needs to be asked.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeGuard

from mypy import nodes, types
from mypy.checker import TypeChecker
from mypy.errorcodes import ErrorCode
from mypy.expandtype import expand_type_by_instance
from mypy.maptype import map_instance_to_supertype
from mypy.messages import format_type_bare, format_type_distinctly
from mypy.options import Options
from mypy.plugin import CheckerPluginInterface as Api
from mypy.plugin import ClassDefContext, MethodContext, MethodSigContext, Plugin
from mypy.semanal_shared import has_placeholder
from mypy.server.trigger import make_trigger
from mypy.subtypes import is_subtype
from mypy.types import Instance, Type, get_proper_type

__all__ = ["MUTABLE", "NAMED", "UNIVERSAL", "WRITTEN", "plugin"]

_UNKNOWN = ErrorCode("waffle-unknown", "Name a setting that the model has", "typed-waffle")
_VALUE = ErrorCode("waffle-value", "Give a setting a value of its type", "typed-waffle")
_DECLARATION = ErrorCode("waffle-declaration", "Declare what can be a setting", "typed-waffle")

WAFFLE, EDIT = "typed_waffle.extension.Waffle", "typed_waffle.edit.Edit"
SNAPSHOT = "typed_waffle.snapshot.Snapshot"
MODEL, BASE_MODEL = "typed_waffle.model.WaffleModel", "pydantic.main.BaseModel"
WRITTEN = frozenset({f"{WAFFLE}.update", f"{WAFFLE}.override", f"{EDIT}.update"})
"""What takes settings as keywords."""

NAMED = {
    **dict.fromkeys((f"{WAFFLE}.reset", f"{WAFFLE}.on_change", f"{EDIT}.reset"), "fields"),
    **dict.fromkeys((f"{WAFFLE}.history", f"{SNAPSHOT}.origin"), "field"),
}
"""What takes names of settings as texts, and its parameter for them."""
_METHODS = {name.rpartition(".")[2] for name in (*WRITTEN, *NAMED)}

_SEQUENCE = "Write tuple[{0}, ...] or Sequence[{0}]"
_SET = "Write frozenset[{0}] or collections.abc.Set[{0}]"
MUTABLE = {
    **dict.fromkeys(("builtins.list", "collections.deque", "typing.MutableSequence"), _SEQUENCE),
    **dict.fromkeys(("typing.Iterable", "typing.Iterator", "typing.Generator"), _SEQUENCE),
    **dict.fromkeys(("typing.Collection", "typing.Container", "typing.Reversible"), _SEQUENCE),
    **dict.fromkeys(("builtins.set", "typing.MutableSet"), _SET),
    "collections.Counter": "Write Mapping[{0}, int]",
    **dict.fromkeys(("builtins.dict", "typing.MutableMapping"), "Write Mapping[{0}, {1}]"),
    **dict.fromkeys(("builtins.bytearray", "builtins.memoryview"), "Write bytes"),
}
"""As in `typed_waffle.fieldtypes`, which a plugin cannot import; a test compares the two."""
_RENAMED = re.compile(r"\bSetting\(renamed_from='(\w+)'\)")
_NO_DEFAULT = re.compile(
    r"(?s)'.*'|(?:\w+\.)*(?:Field\((?!.*(?:\bdefault|\*\*))(?:\w+=.*)?\)|(?!Field)[A-Z]\w*\(.*\))"
)
"""A note in `Annotated` that gives no default for sure; names in it could stand for anything."""
_FORMERLY = "formerly "
"""Begins a symbol that we put into a class for an old name: mypy keeps and compares symbols."""
UNIVERSAL = {"builtins.object", "builtins.type", "typing.Hashable", BASE_MODEL, "enum.Enum"}
_GUIDE = "a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ..."

SignatureHook = Callable[[MethodSigContext], types.FunctionLike]
MethodHook = Callable[[MethodContext], Type]
ClassHook = Callable[[ClassDefContext], None]


def plugin(version: str) -> type[Plugin]:  # noqa: ARG001 - mypy tells its version
    """Return the plugin: mypy calls this."""
    return _WaffleModelPlugin


class _WaffleModelPlugin(Plugin):
    """Hooks for our own functions, and for the classes of settings models."""

    def get_method_signature_hook(self, fullname: str) -> SignatureHook | None:
        """Check settings that are given as keywords."""
        return _check_values if self._defined(fullname) in WRITTEN else None

    def get_method_hook(self, fullname: str) -> MethodHook | None:
        """Check names of settings that are given as texts."""
        parameter = NAMED.get(self._defined(fullname))
        return (lambda ctx: _check_names(ctx, parameter)) if parameter else None

    def _defined(self, fullname: str) -> str:
        """The name of a method where it is defined: mypy asks with the class of the object."""
        owner, _, method = fullname.rpartition(".")
        info = self._class(owner) if method in _METHODS else None
        base = info.get_containing_type_info(method) if info else None
        return f"{base.fullname}.{method}" if base else fullname

    def _class(self, fullname: str) -> nodes.TypeInfo | None:
        found = self.lookup_fully_qualified(fullname)
        return found.node if found and isinstance(found.node, nodes.TypeInfo) else None

    def get_customize_class_mro_hook(self, fullname: str) -> ClassHook | None:
        """Check the declaration of a settings model; mypy asks this for each class by its name."""
        info = self._class(fullname)
        ours = info and any(base.type.has_base(MODEL) for base in info.bases)
        return _check_declaration if ours else None


class _Model(NamedTuple):
    """The settings model of a `Waffle[M]`, an `Edit[M]` or a `Snapshot[M]`."""

    instance: Instance
    api: Api

    def type_of(self, name: str) -> Type | None:
        """The declared type of a setting; `None` if there is no such setting."""
        self._depend(name)
        mro = [info for info in self.instance.type.mro if name in info.names]
        if any(getattr(info.names[name].node, "is_final", False) for info in mro):
            return None  # mypy copies a constant into a subclass, and there it seems a field
        for info in mro:
            node = info.names[name].node
            if isinstance(node, nodes.Var) and node.is_inferred:
                continue  # a subclass gives it another default, and no type
            if not _is_field(node, name):
                return None
            at = map_instance_to_supertype(self.instance, info)
            declared = node.type or types.AnyType(types.TypeOfAny.special_form)
            return expand_type_by_instance(declared, at)
        return None

    def renamed(self, former: str) -> str | None:
        """The setting that had this name before."""
        self._depend(_FORMERLY + former)
        symbol = self.instance.type.get(_FORMERLY + former)
        said = symbol.type if symbol else None
        return next(_texts(said), None) if said else None

    def fail_unknown(self, name: str, context: nodes.Context) -> None:
        """Report a name that is not a setting's."""
        every = {n for info in self.instance.type.mro for n in info.names}
        near = difflib.get_close_matches(name, [n for n in sorted(every) if self.type_of(n)], n=1)
        top, dot, _ = name.partition(".")
        now = self.renamed(name)
        if dot and self.type_of(top) is not None:
            hint = f'; it is a part of "{top}", and a setting is named as a whole'
        elif now:
            hint = f'; it is "{now}" now'
        else:
            hint = f'; did you mean "{near[0]}"?' if near else ""
        message = f'"{self.instance.type.name}" has no setting "{name}"{hint}'
        self.api.fail(message, context, code=_UNKNOWN)

    def fail_value(self, name: str, wanted: Type, found: Type, context: nodes.Context) -> None:
        """Report a value that is not of the setting's type."""
        want, got = format_type_distinctly(wanted, found, options=self.api.options)
        said = f'Setting "{name}" of "{self.instance.type.name}" is {want}, not {got}'
        self.api.fail(said, context, code=_VALUE)

    def _depend(self, name: str) -> None:
        # For the daemon: when this attribute changes or appears, the call is checked again.
        if isinstance(self.api, TypeChecker):
            target = self.api.tscope.current_full_target()
            for info in self.instance.type.mro[:-1]:
                trigger = make_trigger(f"{info.fullname}.{name}")
                self.api.tree.plugin_deps.setdefault(trigger, set()).add(target)


def _is_field(node: nodes.SymbolNode | None, name: str) -> TypeGuard[nodes.Var]:
    """Whether something in the body of a class is a field."""
    if name.startswith("_") or not name.isidentifier() or not isinstance(node, nodes.Var):
        return False
    return not (node.is_classvar or node.is_inferred or node.is_final)


def _model_of(owner: Type, api: Api) -> _Model | None:
    """The settings model that an object is generic on, if that is known."""
    owner = get_proper_type(owner)
    if not isinstance(owner, Instance):
        return None
    base = next((b for b in owner.type.mro if b.fullname in {WAFFLE, EDIT, SNAPSHOT}), None)
    args = map_instance_to_supertype(owner, base).args if base else ()
    model = get_proper_type(args[0]) if len(args) == 1 else None
    if not isinstance(model, Instance) or model.type.fullname == MODEL:
        return None
    return None if model.type.fallback_to_any else _Model(model, api)


def _check_values(ctx: MethodSigContext) -> types.FunctionLike:
    """The signature of this one call: its keywords, each with the type of its setting."""
    signature, call = ctx.default_signature, ctx.context
    model = _model_of(ctx.type, ctx.api)
    if model is None or not isinstance(call, nodes.CallExpr):
        return signature
    typed: dict[str, Type] = {}
    for name, kind, value in zip(call.arg_names, call.arg_kinds, call.args, strict=True):
        if kind is nodes.ARG_NAMED and name is not None and name not in signature.arg_names[:-1]:
            wanted = _checked(model, name, value)
            if wanted is not None:
                typed[name] = wanted
        elif kind is nodes.ARG_STAR2:
            _check_mapping(model, value)
    # What is right is told to mypy, which infers from it. What is wrong has been reported.
    return signature.copy_modified(
        arg_types=[*typed.values(), *signature.arg_types],
        arg_kinds=[nodes.ARG_NAMED_OPT] * len(typed) + signature.arg_kinds,
        arg_names=[*typed, *signature.arg_names],
    )


def _checked(
    model: _Model, name: str, value: nodes.Expression, found: Type | None = None
) -> Type | None:
    """The type of the setting, if there is one and the value is of that type."""
    wanted = model.type_of(name)
    if wanted is None:
        model.fail_unknown(name, value)
        return None
    if found is None:
        with model.api.msg.filter_errors() as watcher:
            found = model.api.get_expression_type(value, wanted)
            if watcher.has_new_errors() or not is_subtype(found, wanted):
                # If it fits alone, the errors are about something else, and mypy reports them.
                found = model.api.get_expression_type(value)
    if is_subtype(found, wanted):
        return wanted
    model.fail_value(name, wanted, found, value)
    return None


def _check_mapping(model: _Model, mapping: nodes.Expression) -> None:
    """Check a `**mapping` whose keys are known: a display with literal keys, or a `TypedDict`."""
    if isinstance(mapping, nodes.DictExpr):
        for key, value in mapping.items:
            if isinstance(key, nodes.StrExpr):
                _checked(model, key.value, value)
        return
    with model.api.msg.filter_errors():
        found = get_proper_type(model.api.get_expression_type(mapping))
    for name, item in found.items.items() if isinstance(found, types.TypedDictType) else ():
        _checked(model, name, mapping, item)


def _check_names(ctx: MethodContext, parameter: str) -> Type:
    """Check each text that is known to mypy."""
    model = _model_of(ctx.type, ctx.api)
    if model is None or parameter not in ctx.callee_arg_names:
        return ctx.default_return_type
    former = parameter == "field" and "before" in ctx.callee_arg_names  # `history` takes old names
    at = ctx.callee_arg_names.index(parameter)
    for expression, found in zip(ctx.args[at], ctx.arg_types[at], strict=True):
        for name in _texts(found):
            if model.type_of(name) is None and not (former and model.renamed(name)):
                model.fail_unknown(name, expression)
    return ctx.default_return_type


def _texts(found: Type) -> Iterator[str]:
    """The texts that an expression may be: literals, constants, unions and tuples of them."""
    proper = get_proper_type(found)
    if isinstance(proper, Instance) and proper.last_known_value is not None:
        proper = proper.last_known_value
    if isinstance(proper, types.LiteralType):
        yield from [str(proper.value)] if proper.fallback.type.fullname == "builtins.str" else ()
    elif isinstance(proper, types.UnionType | types.TupleType):
        for item in proper.items:
            yield from _texts(item)


def _check_declaration(ctx: ClassDefContext) -> None:
    """Check the fields of a settings model, once mypy knows their types.

    mypy asks before it looks into the class: so the class is put off until it has.
    """
    written = [stmt for stmt in ctx.cls.defs.body if isinstance(stmt, nodes.AssignmentStmt)]
    untyped = [one for stmt in written if not stmt.unanalyzed_type for one in stmt.lvalues]
    given = {getattr(n, "name", "") for one in untyped for n in getattr(one, "items", [one])}
    fields: list[tuple[nodes.AssignmentStmt, nodes.Var, Type]] = []
    for stmt in written if not ctx.api.is_stub_file else ():
        if stmt.unanalyzed_type is None:
            continue
        name = getattr(stmt.lvalues[0], "name", "")
        node = getattr(ctx.cls.info.names.get(name), "node", None)
        if not isinstance(node, nodes.Var) or not node.type or has_placeholder(node.type):
            if not ctx.api.final_iteration:
                ctx.api.defer()
                return
        elif _is_field(node, name):
            fields.append((stmt, node, node.type))
    beside = _beside(ctx) if any(_annotated(stmt) for stmt, _, _ in fields) else {}
    for stmt, var, declared in fields:
        notes = beside.get(var.name, [])
        for old in _RENAMED.findall(", ".join(notes)):
            now = types.LiteralType(var.name, ctx.api.named_type("builtins.str"))
            noted = nodes.SymbolTableNode(nodes.MDEF, nodes.Var(old, now), plugin_generated=True)
            ctx.cls.info.names[_FORMERLY + old] = noted
        faults = [_fault(declared, ctx.api.options)]
        if var.name not in given and _lacks_default(stmt, declared, notes):
            faults += ["it has no default, so the application could not always boot. Give it one"]
        for fault in filter(None, faults):
            message = f'Setting "{var.name}" of "{ctx.cls.name}": {fault}'
            ctx.api.fail(message, stmt, code=_DECLARATION)


def _annotated(stmt: nodes.AssignmentStmt) -> bool:
    written = stmt.unanalyzed_type
    return isinstance(written, types.UnboundType) and written.name.endswith("Annotated")


def _beside(ctx: ClassDefContext) -> dict[str, list[str]]:
    """What stands in each field's `Annotated` beside the type. mypy drops it; so it is read."""
    try:
        tree = ast.parse(Path(ctx.api.modules[ctx.api.cur_mod_id].path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    return {
        ast.unparse(part.target): [ast.unparse(note) for note in part.annotation.slice.elts[1:]]
        for cls in ast.walk(tree)
        if isinstance(cls, ast.ClassDef) and cls.lineno == ctx.cls.line
        for part in cls.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.annotation, ast.Subscript)
        if isinstance(part.annotation.slice, ast.Tuple)
    }


def _lacks_default(stmt: nodes.AssignmentStmt, declared: Type, notes: list[str]) -> bool:
    """Whether a field surely has no default, neither as its value nor in a `Field`."""
    value, written, found = stmt.rvalue, stmt.unanalyzed_type, get_proper_type(declared)
    if isinstance(value, nodes.TempNode):
        if _annotated(stmt):
            return bool(notes) and all(map(_NO_DEFAULT.fullmatch, notes))
        # An alias could stand for an `Annotated` with a default in it.
        name = written.name.rpartition(".")[2] if isinstance(written, types.UnboundType) else ""
        same = isinstance(found, Instance) and found.type.name == name
        return same or name in {"", "Literal", "Optional", "Union", "tuple"}
    if isinstance(value, nodes.CallExpr) and isinstance(value.callee, nodes.RefExpr):
        given = dict(zip(value.arg_names, value.args, strict=True))
        first = given.get("default", given.get(None))
        return value.callee.fullname == "pydantic.fields.Field" and (
            isinstance(first, nodes.EllipsisExpr) or not (first or "default_factory" in given)
        )
    return isinstance(value, nodes.EllipsisExpr)


def _fault(declared: Type, options: Options, seen: tuple[Type, ...] = ()) -> str | None:
    """Why a type can surely not be a setting's, and what to write instead."""
    found = get_proper_type(declared)
    if found in seen:
        return None  # it refers to itself
    spelled = format_type_bare(found, options)
    if (
        isinstance(found, types.CallableType | types.TypeType)
        or (isinstance(found, types.AnyType) and found.type_of_any == types.TypeOfAny.explicit)
        or (isinstance(found, Instance) and found.type.fullname in UNIVERSAL)
    ):
        return f"{spelled} may hold anything, mutable values too. Write {_GUIDE}"
    if isinstance(found, types.TypedDictType):
        return f"{spelled} is a dict. Declare it as a nested WaffleModel"
    whole = _class_fault(found, options) if isinstance(found, Instance) else None
    parts = found.args if isinstance(found, Instance) else getattr(found, "items", ())
    within = (_fault(part, options, (*seen, found)) for part in parts)
    return whole or next(filter(None, within), None)


def _class_fault(found: Instance, options: Options) -> str | None:
    found = found.type.bases[0] if found.type.is_newtype else found
    info, given = found.type, [get_proper_type(arg) for arg in found.args]
    spelled, names = format_type_bare(found, options), [format_type_bare(g, options) for g in given]
    omitted = {types.TypeOfAny.from_omitted_generics, types.TypeOfAny.from_error}
    if any(isinstance(one, types.AnyType) and one.type_of_any in omitted for one in given):
        spelled, names = info.name, []
    builtin = (base.fullname for base in info.mro if base.module_name == "builtins")
    kind = next((one for one in (info.fullname, *builtin) if one in MUTABLE), None)
    if kind:
        names += ["K" if "{1}" in MUTABLE[kind] else "T", "V"][len(names) :]
        return f"{spelled} can be mutated in place. {MUTABLE[kind].format(*names)}"
    hint = _thawed(info)
    return f"{spelled} can be mutated in place. {hint}" if hint else None


def _thawed(info: nodes.TypeInfo) -> str | None:
    """What to write instead of a class that is surely not frozen."""
    if info.has_base(BASE_MODEL):
        for base in info.mro:
            if base.fullname == BASE_MODEL:
                return f"Write class {info.name}(WaffleModel), or freeze it"
            said = base.metadata.get("pydantic-mypy-metadata", {}).get("config", {})
            said = said | base.metadata.get("dataclass", {}) | base.defn.keywords
            if "model_config" in base.names or said.get("frozen") or base.fullname == MODEL:
                return None  # or at least it may be
    frozen = info.metadata.get("dataclass", {}).get("frozen")
    for decorator in info.defn.decorators:  # in a module that mypy is still looking into
        if isinstance(decorator, nodes.RefExpr) and decorator.fullname == "dataclasses.dataclass":
            frozen = False
    return "Write @dataclass(frozen=True)" if frozen is False else None
