"""What the driver raises, for those outside the stores who only report it."""

from pymongo.errors import ConnectionFailure, PyMongoError

DatabaseError = PyMongoError


def is_away(error: BaseException) -> bool:
    """Whether the database did not answer, rather than refuse."""
    return isinstance(error, ConnectionFailure) or (isinstance(error, PyMongoError) and error.timeout)


def reason_of(error: PyMongoError) -> str:
    """The driver's reason without its description of the topology."""
    return str(error).partition(" (configured")[0].partition(", Timeout")[0][:200]
