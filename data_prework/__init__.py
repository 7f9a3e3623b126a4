"""From a raw folder of images to a prepared one that the notebooks can learn from."""

import sys
from importlib.util import find_spec

if _missing := [name for name in ("numpy", "pandas", "PIL", "imagehash") if find_spec(name) is None]:
    _words = (
        f"This Python ({sys.executable}) lacks what the course needs ({', '.join(_missing)}). Use the one that `make "
        "data` sets up, .venv/bin/python, or install with: python -m pip install -r requirements.lock"
    )
    if sys.argv[:1] == ["-m"]:  # python -m data_prework, or -m helpers...: one sentence says more than a traceback
        sys.exit(_words)
    raise ImportError(_words)
