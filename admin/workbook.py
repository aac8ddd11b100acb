"""Tables as an Excel workbook, as open data has them too."""

from backend.http.workbook import KIND as KIND
from backend.http.workbook import Cell as Cell
from backend.http.workbook import Sheet as Sheet
from backend.http.workbook import workbook as workbook
