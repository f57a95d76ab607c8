"""A notebook, run without a browser, as one HTML page that fetches nothing."""

import os
from pathlib import Path
from typing import Any

from mtasts_analysis.archive.files import replacing
from mtasts_analysis.errors import InputError
from mtasts_analysis.show.progress import HEADLESS


def run(source: Path, page: Path, folder: Path, parameters: dict[str, Any] | None = None) -> Path:
    """Execute a notebook and write it as a page.

    Parameters
    ----------
    source
        The notebook; it is not changed.
    page
        The HTML file to write.
    folder
        The working folder of its cells; what they write by a relative path lands there.
    parameters
        Values that replace those of its cell tagged `parameters`, as papermill does.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    InputError
        A cell raised; the message holds its last line.
    """
    # Slow to import, and needed for nothing else.
    import nbformat  # noqa: PLC0415
    from nbclient import NotebookClient  # noqa: PLC0415
    from nbclient.exceptions import CellExecutionError  # noqa: PLC0415
    from nbconvert import HTMLExporter  # noqa: PLC0415
    from traitlets.config import Config  # noqa: PLC0415

    notebook = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    if parameters:
        _inject(notebook, parameters)
    folder.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=600,
        store_widget_state=False,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=40"],  # its hint about loopback TCP is no news here
    )
    try:
        client.execute(env=os.environ | {HEADLESS: "1"})
    except CellExecutionError as error:
        raise InputError(f"{source.name}: a cell failed: {error.ename}: {error.evalue}") from error
    # A widget is nothing without its kernel: the page shows what it stands for.
    config = Config()
    config.NbConvertBase.display_data_priority = [
        "text/html",
        "image/png",
        "text/markdown",
        "text/plain",
    ]
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]  # nbconvert has no types
        config=config,
        template_name="page",
        extra_template_basedirs=[str(Path(__file__).parent / "templates")],
    )
    body, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": source.stem}})
    with replacing(page.parent, [page.name]) as (path,):
        path.write_text(body, encoding="utf-8")
    return page


def _inject(notebook: Any, parameters: dict[str, Any]) -> None:
    """Put an assignment of each parameter after the cell tagged `parameters`."""
    from nbformat.v4 import new_code_cell  # noqa: PLC0415

    code = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cell = new_code_cell(  # type: ignore[no-untyped-call]  # nbformat has no types
        code, metadata={"tags": ["injected-parameters"]}
    )
    for at, there in enumerate(notebook.cells):
        if "parameters" in there.metadata.get("tags", []):
            notebook.cells.insert(at + 1, cell)
            return
    raise InputError("expected a notebook with a cell tagged parameters; it has none")
