"""Interpreter: says what to do where Pydantic cannot be imported. Imported before all else."""

try:
    import pydantic_core as _  # noqa: F401 - only to see whether it can be
except ImportError as _error:
    if "subinterpreter" not in str(_error):
        raise
    raise ImportError(
        "typed-waffle cannot be imported in a sub-interpreter, because Pydantic's core cannot be "
        "loaded twice in one process. With mod_wsgi, use `WSGIApplicationGroup %{GLOBAL}` and "
        "daemon mode, with a process group for each application; with uWSGI, mount one application "
        "in each instance"
    ) from _error
