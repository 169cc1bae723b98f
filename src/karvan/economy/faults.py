"""What the economy stage refuses, one class a mistake, so that a caller can tell them apart."""

from karvan.base.errors import InputError


class TableFault(InputError):
    """The numbers do not make an input-output table: shapes, labels, balance, price basis or import split."""


class NotProductive(InputError):
    """An industry needs inputs worth as much as its output or more, so no demand can be met."""


class MissingAccount(InputError):
    """The table was made without a row that the question needs (employment, imports, ...)."""


class ClosureMissing(InputError):
    """Type II was asked for without saying what households spend out of which income."""


class MarginsInfeasible(InputError):
    """No matrix with the pattern of the old one can have the row and column totals wanted."""


class NotConverged(InputError):
    """An iteration did not reach its tolerance in the steps it was allowed."""
