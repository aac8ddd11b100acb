"""An Excel workbook as the text that an import reads: its first sheet, cell by cell as it is shown."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from datetime import date, datetime
from typing import Any

from openpyxl import load_workbook

from backend.rulebooks.reading import MOST_ROWS

MARK = b"PK\x03\x04"
# A sheet of the longest list; a small file that unpacks to more is no list.
_MOST_UNPACKED = 100 * 1024 * 1024
_MOST_COLUMNS = 100


class WorkbookError(Exception):
    """The file is no workbook that could be read."""


def read_sheet(content: bytes) -> str:
    """The first sheet as CSV. Raises WorkbookError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MOST_UNPACKED:
                raise WorkbookError("too large")
        # It warns of whatever it does not know: forms, pictures, styles.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            return _text(book.worksheets[0])
    except WorkbookError:
        raise
    except Exception as error:  # whatever is wrong with a file, it is no workbook
        raise WorkbookError("unreadable") from error


def _text(sheet: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    # One more than is taken, so that the import says that there are too many.
    for row in sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=_MOST_COLUMNS, values_only=True):
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case datetime():
            return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
    return str(value).strip()
