"""What the driver raises, for those outside the stores who only report it."""

from pymongo.errors import PyMongoError

DatabaseError = PyMongoError


def reason_of(error: PyMongoError) -> str:
    """The driver's reason without its description of the topology."""
    return str(error).partition(" (configured")[0].partition(", Timeout")[0][:200]
