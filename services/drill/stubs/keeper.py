"""The keeper itself, to which small plans are large already: `python -m services.drill.stubs.keeper`."""

import runpy

from services.keeper import bundle, drawing, entering, history, intake, orders, progress

SMALLER = {
    "SMALL": (6, (bundle, intake)),
    "AT_ONCE": (20, (drawing,)),
    "LARGE": (12, (drawing,)),
    "LARGE_REGION": (95, (drawing,)),
    "PART": (20, (entering, history, orders, progress)),
}
"""The real limits, so that a plan of a dozen steps is drawn up by a process of its own, entered little by
little, and called off in several transactions."""

if __name__ == "__main__":
    for name, (value, modules) in SMALLER.items():
        for module in modules:
            assert isinstance(getattr(module, name), int)
            setattr(module, name, value)
    runpy.run_module("services.keeper", run_name="__main__")
