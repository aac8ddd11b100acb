"""Lists as files for spreadsheets, as open data has them too."""

from backend.http.spreadsheet import BYTE_ORDER_MARK as BYTE_ORDER_MARK
from backend.http.spreadsheet import lines as lines
