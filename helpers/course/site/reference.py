"""The pages of the reference: which module of the project is on which, for Sphinx to read its docstrings."""

from data_prework.files import PROJECT
from helpers.course.notebooks import course_notebooks


def reference_pages() -> dict[str, tuple[str, list[str]]]:
    """Write the pages of the reference.

    Returns:
        Name of each page -> its text, and the paths of the modules on it.
    """
    code = "\n".join(path.read_text(encoding="utf-8") for path in course_notebooks())
    files = [
        path.relative_to(PROJECT).as_posix()
        for part in ("helpers", "data_prework")
        for path in sorted(PROJECT.glob(f"{part}/**/*.py"))
    ]
    modules = {file: file[:-3].replace("/", ".") for file in files if not file.endswith("__.py")}
    # a package that hands on the names of its modules is imported in their place
    handing_on = [
        f"helpers.{path.parent.name}"
        for path in PROJECT.glob("helpers/*/__init__.py")
        if "__all__" in path.read_text(encoding="utf-8")
    ]
    places = {
        module: {module, *(one for one in handing_on if module.startswith(f"{one}."))} for module in modules.values()
    }
    used = [file for file, module in modules.items() if any(f"from {place} import" in code for place in places[module])]
    of_helpers = [file for file in modules if file.startswith("helpers/")]
    chapters = {
        "helpers": ("helpers: what the lessons import", [file for file in of_helpers if file in used]),
        "tools": ("helpers: commands and their parts", [file for file in of_helpers if file not in used]),
        "data_prework": (
            "data_prework: from a raw folder to data",
            [file for file in modules if file not in of_helpers],
        ),
    }
    pages = {}
    for name, (title, inside) in chapters.items():
        parts = [f"# {title}"]
        for file in inside:
            module = modules[file]
            parts.append(f"## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```")
        pages[f"reference/{name}.md"] = ("\n\n".join(parts) + "\n", inside)
    return pages
