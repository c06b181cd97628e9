"""Rows of .csv and .tsv files as text, none of them lost, padded or joined with the next one."""

import csv
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DataError
from .encoding import read_lines

# A column with more values is none of labels, and is not kept in memory.
_MAX_VALUES = 1000
_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_CELL = 2**31 - 1


@dataclass(frozen=True)
class Separated:
    """How a file is written."""

    path: Path
    delimiter: str
    is_quoted: bool = True
    """Whether quotation marks enclose cells; otherwise they are part of the text."""
    column_names: Sequence[str] | None = None
    """Names of the columns of a file without a header line."""
    encoding: str | None = None
    """Of the text; none means UTF-8, or what a byte order mark says."""

    def rows(self) -> Iterator[list[str]]:
        """Yield the names of the columns, and then each row of cells, as many as there are columns.

        Blank lines are skipped, and so are empty cells after the last column.

        Raises:
            DataError: a column is named twice, the header is there twice, a row has too few cells or too many, or a
                quotation is not closed; the message has the line.
        """
        with closing(self.records()) as records:
            names = self._header(records)
            named = max((number for number, name in enumerate(names, start=1) if name), default=0)
            yield [name or f"Unnamed: {number}" for number, name in enumerate(names)]
            header = sorted(map(_bare, names))
            quotations = _Quotations(self.delimiter, len(names))
            for line, cells, text in records:
                if _bare(cells[0]) in header and sorted(map(_bare, cells)) == header:
                    raise self._repeated_header(line)
                if len(cells) < named or any(cells[len(names) :]):
                    raise self._wrong_width(line, cells, len(names))
                quotations.add(line, cells, text)
                yield [*cells[: len(names)], *[""] * (len(names) - len(cells))]
        swallowing = quotations.swallowing()
        if swallowing is not None:
            raise DataError(
                f"{self.path}, line {swallowing[0]}: a quotation mark is closed in line {swallowing[1]} only, and the "
                f"lines up to there look like rows of their own. {_QUOTING} If these lines are one cell, give the file "
                "as .jsonl."
            )

    def _header(self, records: Iterator[tuple[int, list[str], list[str]]]) -> list[str]:
        if self.column_names is not None:
            names = list(self.column_names)
        else:
            _, names, _ = next(records, (0, [], []))
        if not any(names):
            raise DataError(f"{self.path} has no header: its first line has no names of columns.")
        twice = next((name for name in names if name and names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{self.path} has the column {twice!r} twice. Rename or remove one of them.")
        return names

    def records(self) -> Generator[tuple[int, list[str], list[str]], None, None]:
        """Yield the number of the first line, the cells, and the lines of each row, without blank ones."""
        text: list[str] = []

        def lines() -> Iterator[str]:
            for line in read_lines(self.path, newline="", encoding=self.encoding):
                text.append(line)
                yield line

        reader = csv.reader(
            lines(),
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.is_quoted else csv.QUOTE_NONE,
            strict=True,
        )
        first = 1
        try:
            while (cells := _next_row(reader)) is not None:
                if len(cells) > 1 or "".join(text).strip():
                    yield first, cells, text
                first = reader.line_num + 1
                text.clear()
        except csv.Error as error:
            last = f" and closed within a cell in line {reader.line_num}" if "expected after" in str(error) else ""
            raise DataError(
                f"{self.path}, line {first}: a quotation mark is opened{last or ' and never closed'}. {_QUOTING}"
            ) from error

    def _repeated_header(self, line: int) -> DataError:
        if self.column_names is not None:
            return DataError(
                f"{self.path}, line {line}, is the header: column_names is for files without one. Leave it out."
            )
        return DataError(
            f"{self.path}, line {line}, is the header again, as in files that were joined: remove that line, or give "
            "the files as a list."
        )

    def _wrong_width(self, line: int, cells: list[str], columns: int) -> DataError:
        source = "column_names" if self.column_names is not None else "the header"
        plural = "" if len(cells) == 1 else "s"
        if len(cells) < columns:
            advice = "Complete it, or put cells with a line break in quotation marks."
        elif self.is_quoted:
            advice = f"Put cells that contain {_NAMES[self.delimiter]} in quotation marks."
        else:
            advice = "Remove tabs within cells."
        return DataError(f"{self.path}, line {line}, has {len(cells)} cell{plural}, and {source} {columns}. {advice}")


_NAMES = {",": "a comma", "\t": "a tab", ";": "a semicolon", "|": "a vertical bar"}
_QUOTING = 'Write a quotation mark within a quoted cell twice (""), and one that is text alone in a quoted cell.'


def delimiter_of(path: Path, column_names: Sequence[str] | None = None, encoding: str | None = None) -> str:
    """Return what separates the cells of a .csv file: a comma, or what its header alone decides for.

    A header with a comma in it is separated by commas; else by a semicolon, as programs write where numbers have a
    decimal comma, a tab or a vertical bar, if it has one of these.

    Args:
        path: of the file.
        column_names: names of the columns of a file without a header line: its first row must have as many cells.
        encoding: as in `Separated`.
    """
    for delimiter in _DELIMITERS:
        with closing(Separated(path, delimiter, encoding=encoding).records()) as records, suppress(DataError):
            _, cells, _ = next(records, (0, [], []))
            if len(cells) > 1 if column_names is None else len(cells) == len(column_names):
                return delimiter
    return _DELIMITERS[0]


def _bare(name: str) -> str:
    """Return the name of a column as it can be recognised in a file that was joined: without case, white space,
    quotation marks and byte order mark.
    """
    return name.strip('\ufeff "').casefold()


@dataclass
class _Quotations:
    """Finds a quotation that was left open, and swallowed the rows up to the next quotation mark.

    Each line of such a cell, read without quotation marks, is a row of all columns, and in another column one of them
    has a value that occurs there in other rows, such as a label. A number alone is no evidence: "$ 100,000" has one.
    """

    delimiter: str
    columns: int
    values: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Values of each column, up to a number above which it is none of labels."""
    candidates: list[tuple[int, int, list[tuple[int, str]]]] = field(default_factory=list)
    """First and last line, and (column, value) of each row that may be swallowed."""

    def add(self, line: int, cells: Sequence[str], text: Sequence[str]) -> None:
        """Look at a row: its first line, its cells, and its lines."""
        for column, cell in enumerate(cells):
            if len(self.values[column]) <= _MAX_VALUES:
                self.values[column].add(cell)
        if len(text) == 1:
            return
        rows = [row.rstrip("\r\n").split(self.delimiter) for row in text]
        if all(len(row) == self.columns for row in rows):
            inner = next(column for column, cell in enumerate(cells) if "\n" in cell or "\r" in cell)
            before = [(column, row[column]) for row in rows[1:] for column in range(inner)]
            after = [(column, row[column]) for row in rows[:-1] for column in range(inner + 1, self.columns)]
            self.candidates.append((line, line + len(text) - 1, before + after))

    def swallowing(self) -> tuple[int, int] | None:
        """Return the first and the last line of the first cell that swallowed rows."""
        for first, last, found in self.candidates:
            if any(self._is_value(*given) for given in found):
                return first, last
        return None

    def _is_value(self, column: int, value: str) -> bool:
        return value != "" and len(self.values[column]) <= _MAX_VALUES and value in self.values[column]


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    """Return the next row of a csv reader, with cells of any length; the module has one limit for the process."""
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(limit)
